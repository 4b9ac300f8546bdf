import { expect, test } from "vitest";
import { isHoldfastError } from "#shared/errors.ts";
import { publishState } from "#shared/log/publish-state.ts";
import { removeSnapshots } from "#shared/log/remove-snapshots.ts";
import { undeleteSnapshots } from "#shared/log/undelete-snapshots.ts";
import { seededNumbers } from "#shared/seeded-numbers.ts";
import { faultyStore, worldEndings } from "#shared/store/faulty-store.ts";
import { manualClock } from "#shared/store/manual-clock.ts";
import type { Store } from "#shared/store/store.ts";
import { dayMs, packIdOf, SmallLog } from "./small-log.testing.ts";

/** A store with something for every step: to be revived, swept, deleted, condemned, and an orphan. */
async function busyWorld(clock = manualClock(1_700_000_000_000)): Promise<SmallLog> {
  const world = new SmallLog({ clock });
  const gone = await world.commit("gone", ["a1", "a2"]);
  await world.commit("stays", ["b"], ["a2"]);
  const next = await world.commit("next", ["c"]);
  await world.upload("orphan");
  await world.stage("unpublished", ["d"]);
  await world.remove(gone);
  await world.maintain();
  clock.advance(8 * dayMs);
  await world.remove(next);
  return world;
}

/** All that a maintenance may change, but for what each run draws at random. */
async function outcomeOf(world: SmallLog): Promise<unknown> {
  const state = await world.expectSound();
  return {
    stored: await world.stored("a1", "a2", "b", "c", "d", "orphan"),
    condemned: [...state.condemned.keys()],
    swept: [...state.swept.keys()],
    sweptStates: [...state.sweptStates.keys()],
    snapshots: [...state.snapshots.keys()],
  };
}

test.each(Object.entries(worldEndings))(
  "a maintenance of which any call %s leaves a sound store, and the next one brings it where an undisturbed one would",
  async (_name, fault) => {
    const undisturbed = await busyWorld();
    let calls = 0;
    const counting = faultyStore(undisturbed.store, { fault: ({ number }) => ((calls = number), undefined) });
    await undisturbed.maintain({ store: counting });
    await undisturbed.maintain();
    const expected = await outcomeOf(undisturbed);
    expect(expected).toMatchObject({ stored: ["a2", "b", "c", "d", "orphan"], swept: [packIdOf("a1")] });
    expect(calls).toBeGreaterThan(15);
    for (let n = 1; n <= calls; n++) {
      const world = await busyWorld();
      const failing = faultyStore(world.store, { fault: fault(({ number }) => number === n) });
      await world.maintain({ store: failing }).catch((error: unknown) => {
        if (!isHoldfastError(error, "unavailable")) throw error;
      });
      await world.expectSound(`after call ${n} of ${calls}`);
      await world.maintain();
      expect(await outcomeOf(world), `call ${n} of ${calls}`).toEqual(expected);
    }
  },
);

/** A store each of whose calls waits for a number of turns of the event loop that follows from the seed. */
function jittery(store: Store, next: () => number): Store {
  const wait = async (): Promise<void> => {
    for (let turns = Math.floor(next() * 6); turns > 0; turns--) await Promise.resolve();
    if (next() < 0.3) await new Promise((resolve) => setImmediate(resolve));
  };
  return {
    ...store,
    put: async (...given) => {
      await wait();
      await store.put(...given);
      await wait();
    },
    get: async (...given) => {
      await wait();
      const bytes = await store.get(...given);
      await wait();
      return bytes;
    },
    head: async (key) => {
      await wait();
      return store.head(key);
    },
    async *list(...given) {
      for await (const each of store.list(...given)) {
        if (next() < 0.1) await wait();
        yield each;
      }
    },
    delete: async (key) => {
      await wait();
      await store.delete(key);
    },
  };
}

const firstSeed = Number(process.env["HOLDFAST_TEST_SEED"] ?? 1);
const seeds = Array.from({ length: Number(process.env["HOLDFAST_TEST_SEEDS"] ?? 8) }, (_, index) => firstSeed + index);

test.each(seeds)(
  "seed %i: three maintainers and those who publish, remove and bring back do not hurt one another",
  async (seed) => {
    const next = seededNumbers(seed);
    const world = await busyWorld();
    const store = jittery(world.store, next);
    const allowed = async (work: Promise<unknown>): Promise<void> => {
      await work.catch((error: unknown) => {
        // Who comes too late is refused, and told so.
        if (!isHoldfastError(error, "conflict", "absent")) throw error;
      });
    };
    const [next1] = [...(await world.log()).snapshots.values()].filter((each) => each.removed !== undefined);
    const writer = async (name: string): Promise<void> => {
      for (let round = 0; round < 3; round++) {
        const others = ["a1", "a2", "b", "c", "d", "orphan"].filter(() => next() < 0.4);
        const there = new Set(await world.stored(...others));
        const staged = await world.stage(`${name} ${round}`, [`${name} ${round}`], [...there], store);
        await allowed(publishState(world.appender(store), { staged }));
        if (next() < 0.5) await allowed(removeSnapshots(world.appender(store), [staged.stateId]));
        if (next() < 0.3) await allowed(undeleteSnapshots(world.appender(store), [staged.stateId]));
        if (next() < 0.3 && next1 !== undefined)
          await allowed(undeleteSnapshots(world.appender(store), [next1.stateId]));
        if (next() < 0.5) world.clock.advance(4 * dayMs);
        await world.expectSound(`seed ${seed}`);
      }
    };
    const maintainer = async (): Promise<void> => {
      for (let round = 0; round < 3; round++) await world.maintain({ store });
    };
    await Promise.all([maintainer(), maintainer(), maintainer(), writer("x"), writer("y")]);
    await world.expectSound(`seed ${seed}`);
    // When all is quiet, two more runs, when all orphans are old and beyond the grace period, leave exactly what is needed.
    world.clock.advance(dayMs);
    await world.maintain();
    world.clock.advance(8 * dayMs);
    await world.maintain();
    const state = await world.expectSound(`seed ${seed}`);
    expect(state.condemned.size, `seed ${seed}`).toBe(0);
  },
);
