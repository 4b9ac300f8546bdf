import { checkpointsPrefix, logKey, logPrefix, packsPrefix, stateKey, statesPrefix } from "#shared/store/object-key.ts";
import { Checker } from "./checker.ts";
import { hashInKey } from "./hash-in-key.ts";
import { finish } from "./proceed.ts";
import { Repairer } from "./repairer.ts";
import { type RuinedSnapshot, Survivor } from "./survivor.ts";
import { calm } from "./weather.ts";
import { beginningMs, type World } from "./world.ts";

/** Lives of repairers in the storm, and in the calm, after which nothing may be left to mend. */
const stormyRepairs = 4;
const calmRepairs = 5;

/**
 * Objects are lost and rot, and repairers mend what they can, at first in the weather of the world: they are refused, lose replies, die. Then what
 * did not need a damaged pack must all be there, whatever was lost besides, and nothing may restore wrongly without a word.
 *
 * What a lost entry of the log said, and no checkpoint says, is forgotten: that a snapshot was undeleted, under which id one was published whose state
 * is lost as well, that one was removed which is swept since.
 *
 * Only whole objects are lost and bytes of them rot. Objects that are cut short cannot come of a put: the port `Store` creates all of an object or none
 * of it, which the conformance suite demands of each adapter.
 */
export async function aftermath(world: World): Promise<void> {
  const { random, weather, oracle, objects } = world;
  const peek = (key: string): Uint8Array | undefined => objects.peek(key);
  const before = [...oracle.live].map((stateId) => ({
    stateId,
    content: oracle.staged.get(stateKey(stateId)) ?? new Map<string, Uint8Array>(),
    needs: oracle.neededBy(stateId, peek),
  }));
  oracle.retire();
  const { damagedPacks, forgets } = spoil(world);
  const snapshots: RuinedSnapshot[] = before.map(({ stateId, content, needs }) => ({
    stateId,
    content,
    mayLose: [...needs].some((packId) => damagedPacks.has(packId)) || (forgets && oracle.wasRemoved(stateId)),
    mayBeRenamed: forgets,
  }));
  const isCutOff = peek(logKey(oracle.fold?.seq ?? 1)) === undefined;
  const repairer = (name: string): Repairer => {
    const made = new Repairer(world, name);
    made.isCutOff = isCutOff;
    made.clockMs = { offset: beginningMs, rate: 1 };
    return made;
  };
  world.weather = { ...weather, ...stormOf(weather) };
  for (let lives = 0; lives < stormyRepairs; lives++) {
    const both = [repairer("repairer 1"), ...(random.chance(0.3) ? [repairer("repairer 2")] : [])];
    await Promise.all(both.map((each) => finish(world, each)));
    if (world.violation !== undefined) return;
  }
  world.weather = calm(weather);
  const last = repairer("last repairer");
  // A log that forgot a removal tells of snapshots that were swept since; and while one is there that is lost, nobody knows what it needs.
  last.dropsLost = true;
  for (let lives = 0; lives < calmRepairs; lives++) {
    if (!(await finish(world, last))) return world.violate("a repair fails, though nothing is in its way");
    if (last.mended.length === 0) break;
  }
  if (last.mended.length > 0)
    world.violate(`a repair finds the same to mend again and again: ${last.mended.join(", ")}`);
  const survivor = new Survivor(world, "survivor");
  survivor.snapshots = snapshots;
  if (!(await finish(world, survivor))) world.violate("what was repaired cannot be read");
  // What a forgotten removal brings back, and was swept since, is damage to a check.
  if (damagedPacks.size === 0 && !forgets && !(await finish(world, new Checker(world, "checker of repairs"))))
    world.violate("what was repaired cannot be checked");
}

/** Storms in which a repair may still come to its end. */
export function stormOf(weather: World["weather"]): Partial<World["weather"]> {
  return { pause: 0, late: weather.late / 4, crash: weather.crash / 2 };
}

/** Spoils a few objects, or all of some kinds. @returns the packs among them, and whether entries of the log are among them, too */
function spoil(world: World): { readonly damagedPacks: ReadonlySet<string>; readonly forgets: boolean } {
  const { random, objects } = world;
  const damagedPacks = new Set<string>();
  let forgets = false;
  const ruin = (key: string): void => {
    const how = random.pick(["lost", "rotten"] as const);
    world.note("ruin", `${key} ${how}`);
    objects.spoil(key, how);
    if (key.startsWith(logPrefix)) forgets = true;
    if (key.startsWith(packsPrefix)) damagedPacks.add(hashInKey(key));
  };
  if (random.chance(0.3)) for (const prefix of [statesPrefix, checkpointsPrefix]) objects.keys(prefix).forEach(ruin);
  const prefixes = random.chance(0.5)
    ? [statesPrefix, checkpointsPrefix, logPrefix]
    : [packsPrefix, statesPrefix, checkpointsPrefix, logPrefix];
  for (let count = random.below(4); count >= 0; count--) {
    const keys = objects.keys(random.pick(prefixes));
    if (keys.length > 0) ruin(random.pick(keys));
  }
  return { damagedPacks, forgets };
}
