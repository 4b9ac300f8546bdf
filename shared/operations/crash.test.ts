import type * as threads from "node:worker_threads";
import { describe, expect, it, vi } from "vitest";
import { HoldfastError, isHoldfastError } from "#shared/errors.ts";
import { removeSnapshots } from "#shared/log/remove-snapshots.ts";
import { undeleteSnapshots } from "#shared/log/undelete-snapshots.ts";
import { writeCheckpoint } from "#shared/log/write-checkpoint.ts";
import { systemRandom } from "#shared/random.ts";
import { liveRecords } from "#shared/snapshot/read-snapshot.ts";
import { faultyStore, type StoreCall, worldEndings } from "#shared/store/faulty-store.ts";
import { memoryStore } from "#shared/store/memory-store.ts";
import { retryingStore } from "#shared/store/retrying-store.ts";
import type { Store } from "#shared/store/store.ts";
import { type ScriptedEntry, scriptedSource } from "./backup/scripted-source.testing.ts";
import { maintenance } from "./maintenance/maintenance.ts";
import { silentReporter } from "./progress.ts";
import { expectSound, expectTree } from "./small-expectations.testing.ts";
import {
  appenderTo,
  backupSmall,
  createSmall,
  fill,
  impatientClock,
  noise,
  objectsOf,
  openSmall,
  readWhole,
  smallSettings,
  snapshotIds,
  storeOfBackups,
} from "./small-store.testing.ts";

vi.mock("node:worker_threads", async (importActual) => {
  const { freshThreads } = await import("./fresh-threads.testing.ts");
  return freshThreads(await importActual<typeof threads>());
});

const firstTree: ScriptedEntry[] = [
  { path: "a", content: noise("a", 50_000) },
  { path: "d/b", content: noise("b", 60_000) },
  { path: "d/empty", content: "" },
  { path: "d/same as a", content: noise("a", 50_000) },
];
const secondTree: ScriptedEntry[] = [
  { path: "a", content: noise("a", 50_000) },
  { path: "d/b", content: noise("b changed", 70_000), mtimeSec: 2_000_000 },
  { path: "e/new", content: "new" },
];
const source = (entries: readonly ScriptedEntry[]) => scriptedSource({ entries });

/** What an operation came to. */
type Ending = { readonly resolved: boolean; readonly error: unknown };

async function endingOf(operation: Promise<unknown>): Promise<Ending> {
  try {
    await operation;
    return { resolved: true, error: undefined };
  } catch (error) {
    return { resolved: false, error };
  }
}

/**
 * Lets an operation end at each of its calls to the store in turn, in each of three ways; at calls that only read, whose effect is none, in the first.
 *
 * @returns how many calls it makes when nothing fails
 */
async function atEveryCall(
  begin: ReadonlyMap<string, Uint8Array>,
  operate: (store: Store) => Promise<unknown>,
  judge: (store: Store, ending: Ending, what: string) => Promise<void>,
): Promise<number> {
  const verbs: StoreCall["verb"][] = [];
  const count = faultyStore(await fill(memoryStore(), begin), { fault: ({ verb }) => void verbs.push(verb) });
  await operate(count);
  const calls = verbs.length;
  for (const [index, [name, fault]] of Object.entries(worldEndings).entries()) {
    for (let n = 1; n <= calls; n++) {
      const verb = verbs[n - 1];
      if (index > 0 && verb !== "put" && verb !== "delete") continue;
      const inner = await fill(memoryStore(), begin);
      const ending = await endingOf(operate(faultyStore(inner, { fault: fault(({ number }) => number === n) })));
      await judge(inner, ending, `call ${n} of ${calls} ${name}`);
    }
  }
  return calls;
}

/** The error of an operation must be one that tells what to do; if its effect is there all the same, it must say that it may be. */
function expectHonest(ending: Ending, isThere: boolean, what: string): void {
  if (ending.resolved) expect(isThere, what).toBe(true);
  else if (!(ending.error instanceof HoldfastError)) expect.fail(`${what}: ${String(ending.error)}`);
  else if (isThere) expect(ending.error.detail["outcome"], what).toBe("unknown");
  else expect(isHoldfastError(ending.error, "unavailable"), `${what}: ${ending.error.message}`).toBe(true);
}

async function newStore(...trees: readonly (readonly ScriptedEntry[])[]): Promise<Map<string, Uint8Array>> {
  return objectsOf(await storeOfBackups(...trees));
}

/** A backup to a store that ended somehow succeeds and is whole, and so is all else. */
async function expectNextBackupWhole(store: Store, what: string): Promise<void> {
  await backupSmall(store, [source(secondTree)]);
  // Whether every byte of it is right is proved for one way of ending only: it takes the longest.
  await expectSound(store, what, what.endsWith("is the last to take effect") ? 100 : 0);
  const read = await readWhole(await openSmall(store));
  expectTree(read, secondTree, what);
}

/** All that maintenance does: it waits for nothing and nobody. */
async function maintainSmall(store: Store): Promise<void> {
  const { config } = await openSmall(store);
  const appender = await appenderTo(store);
  const reporter = silentReporter;
  await maintenance({ appender, config, dryRun: false, force: true, compact: true, orphanAgeMs: 0, reporter });
}

/** A store without grace, of three snapshots of which the older two were removed; packs are condemned, to be swept, and to be copied. */
async function storeToMaintain(): Promise<Map<string, Uint8Array>> {
  const store = memoryStore();
  await createSmall(store, { ...smallSettings, graceMs: 0 });
  await backupSmall(store, [source(firstTree)]);
  await maintainSmall(store);
  await backupSmall(store, [source([...firstTree, { path: "f", content: noise("f", 80_000) }])]);
  const appender = await appenderTo(store);
  await removeSnapshots(appender, [...appender.from.snapshots.keys()]);
  await backupSmall(store, [source(secondTree)]);
  await maintainSmall(store);
  const later = await appenderTo(store);
  await backupSmall(store, [source(firstTree)]);
  const [newest] = liveRecords(await openSmall(store));
  if (newest === undefined) return expect.fail("there is no snapshot");
  await removeSnapshots(later, [newest.stateId]);
  return objectsOf(store);
}

/** What was not removed is there, and whole. */
async function expectSecondTreeWhole(store: Store, what: string): Promise<void> {
  const read = await readWhole(await openSmall(store));
  expectTree(read, secondTree, what);
  await expectSound(store, what, 0);
}

describe("a store that fails at any call", () => {
  it("during the first backup shows the snapshot or none", async () => {
    const begin = await newStore();
    const calls = await atEveryCall(
      begin,
      (store) => backupSmall(store, [source(firstTree)]),
      async (store, ending, what) => {
        const repository = await openSmall(store);
        const ids = snapshotIds(repository);
        expect(ids.length, what).toBeLessThanOrEqual(1);
        expectHonest(ending, ids.length === 1, what);
        if (ids.length === 1) {
          const read = await readWhole(repository);
          expectTree(read, firstTree, what);
        }
        await expectSound(store, what, 0);
        await expectNextBackupWhole(store, what);
      },
    );
    expect(calls).toBeGreaterThanOrEqual(7);
  });

  it("during a second backup shows the old snapshot, and the new one or not", async () => {
    const begin = await newStore(firstTree);
    await atEveryCall(
      begin,
      (store) => backupSmall(store, [source(secondTree)]),
      async (store, ending, what) => {
        const repository = await openSmall(store);
        const ids = snapshotIds(repository);
        expect([1, 2], what).toContain(ids.length);
        expectHonest(ending, ids.length === 2, what);
        const old = await readWhole(repository, ids.length - 1);
        expectTree(old, firstTree, what);
        await expectSound(store, what, 0);
        await expectNextBackupWhole(store, what);
      },
    );
  });

  it("during create leaves a repository that opens or a place to make one in", async () => {
    await atEveryCall(new Map(), createSmall, async (store, ending, what) => {
      const again = await endingOf(createSmall(store));
      const wasThere = !again.resolved;
      if (wasThere) expect(isHoldfastError(again.error, "conflict"), what).toBe(true);
      if (ending.resolved) expect(wasThere, what).toBe(true);
      else expect(isHoldfastError(ending.error, "unavailable"), what).toBe(true);
      await expectNextBackupWhole(store, what);
    });
  });

  it("during rm shows the snapshot or not, and the others as they were", async () => {
    const begin = await newStore(firstTree, secondTree);
    await atEveryCall(
      begin,
      async (store) => {
        const repository = await openSmall(store);
        const [, old] = liveRecords(repository);
        if (old === undefined) return expect.fail("there is no old snapshot");
        const { signer } = repository;
        await removeSnapshots({ store, signer, clock: impatientClock, random: systemRandom, from: repository.log }, [
          old.stateId,
        ]);
      },
      async (store, ending, what) => {
        const repository = await openSmall(store);
        expectHonest(ending, snapshotIds(repository).length === 1, what);
        const read = await readWhole(repository);
        expectTree(read, secondTree, what);
        await expectSound(store, what, 0);
      },
    );
  });

  it("during undelete shows the snapshot or not, and the others as they were", async () => {
    const begin = await fill(memoryStore(), await newStore(firstTree, secondTree));
    const [, old] = liveRecords(await openSmall(begin));
    if (old === undefined) return expect.fail("there is no old snapshot");
    await removeSnapshots(await appenderTo(begin), [old.stateId]);
    await atEveryCall(
      await objectsOf(begin),
      async (store) => undeleteSnapshots(await appenderTo(store), [old.stateId]),
      async (store, ending, what) => {
        expectHonest(ending, snapshotIds(await openSmall(store)).length === 2, what);
        await expectSecondTreeWhole(store, what);
      },
    );
  });

  it("during maintenance, in whatever part of it, loses nothing, and the next one brings the store where it should be", async () => {
    const begin = await storeToMaintain();
    const undisturbed = await fill(memoryStore(), begin);
    for (let runs = 0; runs < 3; runs++) await maintainSmall(undisturbed);
    const packsLeft = async (store: Store): Promise<number> =>
      [...(await objectsOf(store)).keys()].filter((key) => key.startsWith("packs/")).length;
    const calls = await atEveryCall(begin, maintainSmall, async (store, ending, what) => {
      if (!ending.resolved)
        expect(isHoldfastError(ending.error, "unavailable"), `${what}: ${String(ending.error)}`).toBe(true);
      await expectSecondTreeWhole(store, what);
      for (let runs = 0; runs < 3; runs++) await maintainSmall(store);
      expect(await packsLeft(store), what).toBe(await packsLeft(undisturbed));
      await expectSecondTreeWhole(store, what);
    });
    expect(calls).toBeGreaterThan(25);
  });

  it("during the writing of a checkpoint changes nothing but how quickly the store opens", async () => {
    await atEveryCall(
      await newStore(firstTree, secondTree),
      async (store) => writeCheckpoint(await appenderTo(store), { isThorough: true }),
      async (store, ending, what) => {
        if (!ending.resolved)
          expect(isHoldfastError(ending.error, "unavailable"), `${what}: ${String(ending.error)}`).toBe(true);
        expect(snapshotIds(await openSmall(store)), what).toHaveLength(2);
        await writeCheckpoint(await appenderTo(store), { isThorough: true });
        await expectSecondTreeWhole(store, what);
        await expectNextBackupWhole(store, what);
      },
    );
  });

  it("once does not stop a backup that tries again, and never makes two snapshots of it", async () => {
    const begin = await newStore(firstTree);
    let tried = 0;
    for (const when of ["before", "after"] as const) {
      let calls = Number.POSITIVE_INFINITY;
      for (let n = 1; n <= calls; n++) {
        let last = 0;
        const inner = await fill(memoryStore(), begin);
        const faulty = faultyStore(inner, {
          fault: ({ number }) => ((last = number), number === n ? { when } : undefined),
        });
        const report = await backupSmall(retryingStore(faulty, { clock: impatientClock, random: systemRandom }), [
          source(secondTree),
        ]);
        expect(snapshotIds(await openSmall(inner)), `${when} ${n}`).toEqual([report.snapshotId, expect.any(String)]);
        tried++;
        calls = last - 1;
      }
    }
    expect(tried).toBeGreaterThan(14);
  });
});
