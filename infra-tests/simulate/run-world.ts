import { createRepository } from "#shared/repository/create-repository.ts";
import { packKey, packsPrefix, statesPrefix } from "#shared/store/object-key.ts";
import type { Actor } from "./actor.ts";
import { aftermath } from "./aftermath.ts";
import { Agent } from "./agent.ts";
import { Checker } from "./checker.ts";
import { hashInKey } from "./hash-in-key.ts";
import { Life } from "./life.ts";
import { lastMaintainer } from "./last-maintainer.ts";
import { Maintainer } from "./maintainer.ts";
import { outage } from "./outage.ts";
import { passGrace } from "./pass-grace.ts";
import { finish, proceed } from "./proceed.ts";
import { Reader } from "./reader.ts";
import { Remover } from "./remover.ts";
import { drawFrom } from "./simulated-threads.ts";
import { calm, type Weather } from "./weather.ts";
import { beginningMs, World } from "./world.ts";

/** What came of one world. */
export type WorldReport = {
  readonly seed: number;
  readonly steps: number;
  readonly days: number;
  readonly entries: number;
  readonly counts: ReadonlyMap<string, number>;
  readonly traceSha256: string;
  readonly violation: string | undefined;
  /** The end of the trace. */
  readonly lastLines: readonly string[];
};

/** Tries of one backup, in calm weather, after which it counts as blocked. */
const calmTries = 3;
/** Maintenance runs, a long grace period apart, after which nothing may be left that nobody needs: two more than without lies. */
const calmMaintenances = 8;

/**
 * Lets a world happen: a storm of `steps` calls to the store, then calm, in which everybody must get done what is to be done, and at the end a
 * look at all that is there. All of it follows from the seed.
 */
export async function runWorld(
  seed: number,
  options: { readonly steps: number; readonly onLine?: (line: string) => void; readonly weather?: Partial<Weather> },
): Promise<WorldReport> {
  const world = new World(seed, options.onLine, options.weather);
  drawFrom(world.random.bytes);
  const onRejection = (error: unknown): void => world.violate(`nobody looks at a failure: ${textOf(error)}`);
  process.on("unhandledRejection", onRejection);
  try {
    await happen(world, options.steps);
  } finally {
    process.off("unhandledRejection", onRejection);
  }
  return {
    seed,
    steps: world.steps,
    days: Math.round(world.loop.nowMs / 86_400_000),
    entries: world.oracle.fold?.seq ?? 0,
    counts: world.counts,
    violation: world.violation,
    lastLines: world.lastLines,
    traceSha256: world.traceSha256(),
  };
}

async function happen(world: World, steps: number): Promise<void> {
  const { weather } = world;
  world.note("world", JSON.stringify(weather));
  let isStormy = true;
  let born = false;
  world.weather = calm(weather);
  const creator = new Life(world, "creator", { offset: beginningMs, rate: 1 });
  createRepository({
    store: creator.store,
    passphrase: undefined,
    settings: {
      chunkMinBytes: 1024,
      chunkAvgBytes: 4096,
      chunkMaxBytes: 16_384,
      segmentBytes: 8192,
      packBytes: 65_536,
      graceMs: weather.graceMs,
      compressionLevel: 1,
    },
    random: creator.random,
    clock: creator.clock,
  }).then(
    () => (born = true),
    (error: unknown) => world.violate(textOf(error)),
  );
  await proceed(world, () => born, "the creation");
  world.weather = weather;

  const agents = several(weather.agents, (number) => new Agent(world, `agent ${number}`));
  const others: Actor[] = [
    ...several(weather.maintainers, (number) => new Maintainer(world, `maintainer ${number}`)),
    ...several(weather.removers, (number) => new Remover(world, `remover ${number}`)),
    ...several(weather.readers, (number) => new Reader(world, `reader ${number}`)),
    ...several(weather.checkers, (number) => new Checker(world, `checker ${number}`)),
  ];
  let busy = 0;
  for (const actor of [...agents, ...others]) {
    busy++;
    void goOn(actor).finally(() => busy--);
  }
  async function goOn(actor: Actor): Promise<void> {
    while (isStormy) {
      await world.loop.after(world.random.aroundMs(weather.restMs));
      if (isStormy) await actor.live();
    }
  }
  await proceed(world, () => world.steps >= steps, "the storm");
  isStormy = false;
  world.weather = calm(weather);
  world.note("world", "the storm is over");
  await proceed(world, () => busy === 0, "the end of the storm", world.steps + 20_000);
  await calmDown(world, agents);
}

function several<Kind>(count: number, make: (number: number) => Kind): Kind[] {
  return Array.from({ length: count }, (_each, number) => make(number + 1));
}

/** What was begun must end; whoever wants to back up must get it done; what nobody needs must go; all that is left must be whole. */
async function calmDown(world: World, agents: readonly Agent[]): Promise<void> {
  const { loop, weather, oracle, objects } = world;
  // What was sent late arrives.
  let waited = false;
  loop.at(loop.nowMs + 40 * Math.max(weather.lateMs, weather.restMs), () => (waited = true));
  await proceed(world, () => waited, "the wait");
  for (const agent of agents) {
    let done = false;
    for (let tries = 0; !done && tries < calmTries; tries++) done = await finish(world, agent);
    if (!done) world.violate(`${agent.name} cannot back up, though nothing is in its way`);
  }
  const maintainer = lastMaintainer(world);
  for (let runs = 0; runs < calmMaintenances && world.violation === undefined; runs++) {
    if (!(await finish(world, maintainer))) world.violate("maintenance fails, though nothing is in its way");
    passGrace(world);
  }
  const peek = (key: string): Uint8Array | undefined => objects.peek(key);
  const needed = oracle.needed(peek);
  for (const key of objects.keys(packsPrefix))
    if (!needed.has(hashInKey(key))) world.violate(`${key} is left over, and nobody needs it`);
  for (const packId of needed)
    if (peek(packKey(packId)) === undefined) world.violate(`pack ${packId} is needed, and is not there`);
  for (const key of weather.tellsTimes ? objects.keys(statesPrefix) : [])
    if (oracle.fold?.snapshots.has(hashInKey(key) as never) !== true)
      world.violate(`${key} is left over, and was never published`);
  const reader = new Reader(world, "last reader");
  reader.restoresAll = true;
  for (const last of [reader, new Checker(world, "last checker")])
    if (!(await finish(world, last))) world.violate(`the ${last.name} fails, though nothing is in its way`);
  if (weather.isRuined && world.violation === undefined) await aftermath(world);
  if (weather.hasOutage && world.violation === undefined) await outage(world);
}

function textOf(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}
