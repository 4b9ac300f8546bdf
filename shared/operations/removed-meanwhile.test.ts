import type * as threads from "node:worker_threads";
import { beforeAll, describe, expect, it, vi } from "vitest";
import { isHoldfastError } from "#shared/errors.ts";
import { entryTypes } from "#shared/format/entry.ts";
import type { Repository } from "#shared/repository/repository.ts";
import { readContent } from "#shared/snapshot/read-content.ts";
import { liveRecords, readSnapshot } from "#shared/snapshot/read-snapshot.ts";
import { snapshotReader } from "#shared/snapshot/snapshot-reader.ts";
import { SnapshotTree } from "#shared/snapshot/snapshot-tree.ts";
import { memoryStore } from "#shared/store/memory-store.ts";
import { packsPrefix } from "#shared/store/object-key.ts";
import type { Store } from "#shared/store/store.ts";
import { type ScriptedEntry, scriptedSource } from "./backup/scripted-source.testing.ts";
import { check } from "./check/check.ts";
import { interposedStore } from "./interposed-store.testing.ts";
import { condemnUnneeded, sweepCondemned } from "./small-maintainer.testing.ts";
import {
  backupSmall,
  checkSmall,
  collectingReporter,
  createSmall,
  fill,
  isSound,
  noise,
  objectsOf,
  openSmall,
  removeOldest,
} from "./small-store.testing.ts";

vi.mock("node:worker_threads", async (importActual) => {
  const { freshThreads } = await import("./fresh-threads.testing.ts");
  return freshThreads(await importActual<typeof threads>());
});

/** Enough entries that a tree has several nodes. */
function tree(name: string): ScriptedEntry[] {
  const small = Array.from({ length: 60 }, (_each, number) => ({
    path: `d${number % 7}/${name} ${number}`,
    content: noise(`${name} ${number}`, 300),
  }));
  return [{ path: "a", content: noise(name, 60_000) }, ...small];
}

/** A store of two snapshots that share nothing. */
let begin: ReadonlyMap<string, Uint8Array>;
beforeAll(async () => {
  const store = memoryStore();
  await createSmall(store);
  for (const name of ["first", "second"])
    await backupSmall(store, [scriptedSource({ root: `/${name}`, entries: tree(name) })]);
  begin = await objectsOf(store);
});

/** Removes the older snapshot, and sweeps all that only it needed: its packs, and its state. */
async function removeAndSweep(store: Store): Promise<void> {
  await removeOldest(store);
  await condemnUnneeded(store);
  expect(await sweepCondemned(store)).toBeGreaterThan(1);
}

/** Reads all of the older snapshot, header, tree and content. */
async function readOldest(repository: Repository): Promise<void> {
  const record = liveRecords(repository).at(-1);
  if (record === undefined) return;
  const reader = await snapshotReader(repository, record.stateId);
  const walked = new SnapshotTree(await readSnapshot(repository, record), reader);
  for await (const { entry } of walked.below(await walked.find("/")))
    if (entry.type === entryTypes.file) for await (const _ of readContent(entry, reader));
}

/** Runs an operation in as many stores as it makes calls, in each of which the older snapshot goes away before another call. */
async function atEveryCall(
  operate: (store: Store, what: string) => Promise<void>,
  change: (store: Store) => Promise<void> = removeAndSweep,
): Promise<number> {
  let calls = 0;
  for (let n = 1; n === 1 || n <= calls; n++) {
    const inner = await fill(memoryStore(), begin);
    const store = interposedStore(inner, async ({ number }) => {
      calls = Math.max(calls, number);
      if (number === n) await change(inner);
    });
    await operate(store, `at call ${n}`);
  }
  return calls;
}

describe("a snapshot that is removed and swept at any moment", () => {
  it("is no damage to a check that walks it", async () => {
    let passedOver = 0;
    const calls = await atEveryCall(async (store, what) => {
      const { reporter, errors, notices } = collectingReporter();
      const report = await check({
        repository: await openSmall(store),
        snapshots: undefined,
        readPercent: 0,
        threads: 1,
        reporter,
      });
      if (!isSound(report) || errors.length > 0) expect.fail(`${what}: ${JSON.stringify({ report, errors })}`);
      if (notices.some(({ message }) => message.includes("was removed while"))) passedOver++;
    });
    expect(calls).toBeGreaterThan(8);
    expect(passedOver).toBeGreaterThan(0);
  });

  it("and another that is published just then are no damage to a check, which takes up neither", async () => {
    const calls = await atEveryCall(
      async (store, what) => {
        const { reporter, errors } = collectingReporter();
        const repository = await openSmall(store);
        const report = await check({ repository, snapshots: undefined, readPercent: 0, threads: 1, reporter });
        if (!isSound(report) || errors.length > 0) expect.fail(`${what}: ${JSON.stringify({ report, errors })}`);
        expect(report.snapshots, what).toBeLessThanOrEqual(2);
      },
      async (store) => {
        await removeAndSweep(store);
        await backupSmall(store, [scriptedSource({ root: "/third", entries: tree("third") })]);
      },
    );
    expect(calls).toBeGreaterThan(8);
  });

  it("is absent to who reads it, never corrupt", async () => {
    let gone = 0;
    const calls = await atEveryCall(async (store, what) => {
      try {
        await readOldest(await openSmall(store));
      } catch (error) {
        if (!isHoldfastError(error, "absent")) expect.fail(`${what}: ${String(error)}`);
        expect(error.message, what).toMatch(/was removed/);
        gone++;
      }
    });
    expect(calls).toBeGreaterThan(8);
    expect(gone).toBeGreaterThan(0);
  });

  it("hides no damage: where it is removed and not swept, and where it lives and a pack of it is missing", async () => {
    const store = await fill(memoryStore(), begin);
    const reader = await openSmall(store);
    await reader.loadIndex();
    for await (const { key } of store.list(packsPrefix)) await store.delete(key);
    await expect(readOldest(reader)).rejects.toMatchObject({ kind: "corrupt" });
    await removeOldest(store);
    await expect(readOldest(reader)).rejects.toMatchObject({ kind: "corrupt" });
    expect((await checkSmall(store, 0)).damagedFiles).toBeGreaterThan(0);
  });
});
