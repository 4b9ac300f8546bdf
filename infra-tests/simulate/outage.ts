import { packsPrefix, stateKey } from "#shared/store/object-key.ts";
import { stormOf } from "./aftermath.ts";
import { Checker } from "./checker.ts";
import { lastMaintainer } from "./last-maintainer.ts";
import { Maintainer } from "./maintainer.ts";
import { finish } from "./proceed.ts";
import { passGrace } from "./pass-grace.ts";
import { Repairer } from "./repairer.ts";
import { Survivor } from "./survivor.ts";
import { calm } from "./weather.ts";
import { beginningMs, type World } from "./world.ts";

/** What is done while packs are away, when they are back, and after the last repair. */
const absentActs = 4;
const returnedActs = 4;
const repairsMax = 5;
const lastMaintenances = 8;

/**
 * Packs are away for a while, as when a branch of the store is not mounted. Somebody repairs the store meanwhile, past the limit, and maintenance goes on by
 * routine, with time enough for every grace period; at any moment, also in the middle of a repair, they come back. Whatever maintenance runs then, another repair
 * gives every file back; and in the end nothing is left that nobody needs.
 */
export async function outage(world: World): Promise<void> {
  const { random, weather, oracle, objects, loop } = world;
  const snapshots = [...oracle.live].map((stateId) => ({
    stateId,
    content: oracle.staged.get(stateKey(stateId)) ?? new Map<string, Uint8Array>(),
    mayLose: false,
    mayBeRenamed: false,
  }));
  const keys = objects.keys(packsPrefix);
  const isAll = random.chance(0.3);
  const away = keys.filter(() => isAll || random.chance(0.5));
  if (away.length === 0) return;
  oracle.retire();
  world.note("outage", `${away.length} of ${keys.length} packs are away`);
  objects.unmount(away);
  const repairer = (name: string): Repairer => {
    const made = new Repairer(world, name);
    made.clockMs = { offset: beginningMs, rate: 1 };
    return made;
  };
  const act = async (): Promise<void> => {
    if (random.chance(0.3)) await finish(world, repairer("repairer"));
    const maintainer = random.chance(0.5) ? lastMaintainer(world) : new Maintainer(world, "maintainer of the outage");
    for (let runs = 1 + random.below(3); runs > 0; runs--) {
      await finish(world, maintainer);
      if (random.chance(0.7)) passGrace(world);
    }
  };
  world.weather = { ...weather, ...stormOf(weather) };
  await finish(world, repairer("first repairer"));
  let isBack = false;
  const mount = (): void => {
    if (isBack) return;
    isBack = true;
    objects.mount();
    world.note("outage", "all packs are back");
  };
  for (let acts = random.below(absentActs); acts > 0 && world.violation === undefined; acts--) await act();
  // In the middle of what is done next, or before it.
  if (random.chance(0.5)) loop.at(loop.nowMs + random.aroundMs(20 * weather.latencyMs), mount);
  else mount();
  for (let acts = 1 + random.below(returnedActs); acts > 0 && world.violation === undefined; acts--) await act();
  mount();
  world.weather = calm(weather);
  for (let runs = 0; runs < 3 && world.violation === undefined; runs++) {
    passGrace(world);
    if (!(await finish(world, lastMaintainer(world)))) world.violate("maintenance fails, though nothing is in its way");
  }
  const last = repairer("last repairer");
  for (let lives = 0; lives < repairsMax && world.violation === undefined; lives++) {
    if (!(await finish(world, last))) return world.violate("a repair fails, though nothing is in its way");
    if (last.mended.length === 0) break;
  }
  if (last.mended.length > 0)
    world.violate(`a repair finds the same to mend again and again: ${last.mended.join(", ")}`);
  const survivor = new Survivor(world, "survivor of the outage");
  survivor.snapshots = snapshots;
  if (!(await finish(world, survivor))) world.violate("what came back cannot be read");
  const maintainer = lastMaintainer(world);
  for (let runs = 0; runs < lastMaintenances && world.violation === undefined; runs++) {
    passGrace(world);
    if (!(await finish(world, maintainer))) world.violate("maintenance fails, though nothing is in its way");
  }
  const { stored, needed: kept } = maintainer.figures ?? {};
  if (stored === undefined || stored.count !== kept?.count)
    world.violate(`${stored?.count} packs are left after an outage, and ${kept?.count} are needed`);
  if (!(await finish(world, new Checker(world, "checker of the outage"))))
    world.violate("what came back cannot be checked");
  world.count("outages");
}
