import type * as threads from "node:worker_threads";
import { beforeAll, describe, expect, it, vi } from "vitest";
import { HoldfastError } from "#shared/errors.ts";
import { parseId } from "#shared/format/ids.ts";
import { writeCheckpoint } from "#shared/log/write-checkpoint.ts";
import { liveRecords } from "#shared/snapshot/read-snapshot.ts";
import { memoryStore } from "#shared/store/memory-store.ts";
import { checkpointPartsPrefix, logKey, packsPrefix } from "#shared/store/object-key.ts";
import type { Store } from "#shared/store/store.ts";
import { type ScriptedEntry, scriptedSource } from "./backup/scripted-source.testing.ts";
import { interposedStore } from "./interposed-store.testing.ts";
import {
  condemnUnneeded,
  condemnWrongly,
  maintainAll,
  relocatePacks,
  sweepCondemned,
  sweepOrphanState,
} from "./small-maintainer.testing.ts";
import { expectSound, expectTree } from "./small-expectations.testing.ts";
import {
  backupSmall,
  checkSmall,
  collectingReporter,
  fill,
  MemoryJournal,
  noise,
  objectsOf,
  openSmall,
  readWhole,
  removeOldest,
  storeOfBackups,
} from "./small-store.testing.ts";

vi.mock("node:worker_threads", async (importActual) => {
  const { freshThreads } = await import("./fresh-threads.testing.ts");
  return freshThreads(await importActual<typeof threads>());
});

const firstTree: ScriptedEntry[] = [
  { path: "a", content: noise("a", 90_000) },
  { path: "d/b", content: noise("b", 60_000) },
  { path: "d/empty", content: "" },
];
const secondTree: ScriptedEntry[] = [
  { path: "a", content: noise("a", 90_000) },
  { path: "d/b", content: noise("b changed", 70_000), mtimeSec: 2_000_000 },
  { path: "e/new", content: "new" },
];
const source = (entries: readonly ScriptedEntry[]) => scriptedSource({ entries });

async function packsIn(store: Store): Promise<number> {
  let count = 0;
  for await (const _ of store.list(packsPrefix)) count++;
  return count;
}

/** Stores as they are when the tests begin. */
let twoSnapshots: ReadonlyMap<string, Uint8Array>;
beforeAll(async () => {
  twoSnapshots = await objectsOf(await storeOfBackups(firstTree, secondTree));
});

describe("a store whose segments were moved", () => {
  it("reads and checks whole, whether the old packs are still there or gone, and after a second move", async () => {
    const store = await fill(memoryStore(), twoSnapshots);
    for (const step of [
      () => relocatePacks(store),
      () => condemnUnneeded(store),
      () => sweepCondemned(store),
      () => relocatePacks(store, (pack) => pack.kind === "data"),
      () => maintainAll(store),
    ]) {
      await step();
      const repository = await openSmall(store);
      expectTree(await readWhole(repository, 1), firstTree);
      expectTree(await readWhole(repository, 0), secondTree);
      expect(repository.fetcher.condemnedPacks.size).toBe(0);
      await expectSound(store);
    }
  });

  it("is deduplicated against where they are now", async () => {
    const store = await fill(memoryStore(), twoSnapshots);
    await maintainAll(store);
    const packs = await packsIn(store);
    const report = await backupSmall(store, [source([{ ...secondTree[0]!, path: "a again" }, ...secondTree])]);
    expect(report.newBytes).toBe(0);
    expect(await packsIn(store)).toBe(packs + 1);
    const repository = await openSmall(store);
    const { head } = { head: await repository.head(liveRecords(repository)[0]!.stateId) };
    for (const { packId } of head.references) expect(repository.log.relocated.has(packId)).toBe(false);
    await removeOldest(store, 2);
    await maintainAll(store);
    expectTree(await readWhole(await openSmall(store)), secondTree);
    await expectSound(store);
  });
});

describe("a reader beside a maintainer", () => {
  it("reads a live snapshot whole though everything is moved, swept and deleted between any two of its calls", async () => {
    let calls = 0;
    for (let n = 1; n === 1 || n <= calls; n++) {
      const inner = await fill(memoryStore(), twoSnapshots);
      await removeOldest(inner);
      const store = interposedStore(inner, async ({ number }) => {
        calls = number;
        if (number === n) await maintainAll(inner);
      });
      expectTree(await readWhole(await openSmall(store)), secondTree, `at call ${n}`);
    }
    expect(calls).toBeGreaterThan(10);
  });

  it("reads a snapshot whole though everything moves again and again", async () => {
    const inner = await fill(memoryStore(), twoSnapshots);
    let gets = 0;
    // What finds a pack missing folds the log and reads again: it is let alone for so long.
    const store = interposedStore(inner, async ({ verb }) => {
      if (verb === "get" && ++gets % 5 === 0) await maintainAll(inner);
    });
    expectTree(await readWhole(await openSmall(store)), secondTree);
    expect(gets).toBeGreaterThan(20);
  });

  it("finds what was moved by parts of a checkpoint, else by the entries that moved it, else in the packs themselves", async () => {
    const store = await fill(memoryStore(), twoSnapshots);
    expect(await relocatePacks(store)).toBeGreaterThan(0);
    const { log, signer, clock, random } = await openSmall(store);
    const moves = [...log.placed.values()];
    await writeCheckpoint({ store, signer, clock, random, from: log });
    const lookAtMoves = async (): Promise<number> => {
      let looks = 0;
      const watched = interposedStore(store, ({ verb, key }) => {
        if (verb === "get" && moves.some((seq) => key === logKey(seq))) looks++;
        return Promise.resolve();
      });
      expectTree(await readWhole(await openSmall(watched)), secondTree);
      return looks;
    };
    expect(await lookAtMoves()).toBe(0);
    for (const key of (await objectsOf(store)).keys())
      if (key.startsWith(checkpointPartsPrefix)) await store.delete(key);
    expect(await lookAtMoves()).toBeGreaterThan(0);
    for (const seq of moves) await store.delete(logKey(seq));
    expect(await lookAtMoves()).toBeGreaterThan(0);
  });

  it("reads condemned packs, and counts them", async () => {
    const store = await fill(memoryStore(), twoSnapshots);
    const repository = await openSmall(store);
    await repository.loadHeads();
    await condemnWrongly(
      store,
      repository.segments.packs.map((each) => each.packId),
    );
    const reader = await openSmall(store);
    expectTree(await readWhole(reader), secondTree);
    expect(reader.fetcher.condemnedPacks.size).toBeGreaterThan(1);
  });

  it("is told that a pack was swept when its snapshot was removed and swept under it", async () => {
    const store = await fill(memoryStore(), twoSnapshots);
    const reader = await openSmall(store);
    await reader.loadIndex();
    await removeOldest(store, 2);
    await condemnUnneeded(store);
    await sweepCondemned(store);
    expect(await packsIn(store)).toBe(0);
    await expect(readWhole(reader)).rejects.toMatchObject({
      kind: "corrupt",
      message: expect.stringContaining("swept"),
    });
  });
});

describe("a backup beside a maintainer", () => {
  /** Runs a backup of the first tree into a store whose only snapshot of it was removed, and lets `maintain` happen before call n. */
  async function backupBeside(n: number, maintain: (store: Store) => Promise<unknown>) {
    const inner = await storeOfBackups(firstTree);
    await removeOldest(inner);
    let calls = 0;
    const store = interposedStore(inner, async ({ number }) => {
      calls = number;
      if (number === n) await maintain(inner);
    });
    const journal = new MemoryJournal();
    const { reporter, notices } = collectingReporter();
    const report = await backupSmall(store, [source(firstTree)], { journal: journal.open(), reporter });
    expectTree(await readWhole(await openSmall(inner)), firstTree, `at call ${n}`);
    await expectSound(inner, `at call ${n}`, 0);
    expect(journal.records).toEqual([]);
    return { calls, report, notices, inner };
  }

  it("revives what is condemned before any of its calls", async () => {
    const { calls } = await backupBeside(0, () => Promise.resolve());
    let revived = 0;
    for (let n = 1; n <= calls; n++) {
      const { report, inner } = await backupBeside(n, condemnUnneeded);
      const { log } = await openSmall(inner);
      if (report.newBytes === 0 && log.condemned.size === 0) revived++;
    }
    expect(revived).toBeGreaterThan(2);
  });

  it("stores again just what is swept before any of its calls, also what it stored itself", async () => {
    const { calls } = await backupBeside(0, () => Promise.resolve());
    let again = 0;
    for (let n = 1; n <= calls; n++) {
      const { notices } = await backupBeside(n, async (store) => {
        await condemnUnneeded(store);
        await sweepCondemned(store);
      });
      if (notices.some((each) => each.message.includes("swept meanwhile"))) again++;
    }
    expect(again).toBeGreaterThan(0);
  });

  it("stages its state anew when that is swept before it is published", async () => {
    const inner = await storeOfBackups();
    let sweeps = 0;
    const store = interposedStore(inner, async ({ verb, key }) => {
      if (verb !== "put" || !key.startsWith("log/") || sweeps === 3) return;
      sweeps++;
      const { log } = await openSmall(inner);
      for await (const { key: state } of inner.list("states/"))
        if (!log.sweptStates.has(parseId("state", state.slice(-64))))
          await sweepOrphanState(inner, parseId("state", state.slice(-64)));
    });
    const report = await backupSmall(store, [source(firstTree)]);
    expect(sweeps).toBe(3);
    expect(report.newBytes).toBe(150_000);
    expectTree(await readWhole(await openSmall(inner)), firstTree);
    const checked = await expectSound(inner);
    expect(checked).toMatchObject({ orphanPacks: 0, orphanStates: 0, sweptObjects: 0 });
  });

  it("is told of by check when it left packs and a state, as information", async () => {
    const inner = await storeOfBackups();
    const store = interposedStore(inner, async ({ verb, key }) => {
      if (verb === "put" && key.startsWith("log/")) throw new HoldfastError("unavailable", "The store is gone");
    });
    await expect(backupSmall(store, [source(firstTree)])).rejects.toMatchObject({ kind: "unavailable" });
    const checked = await expectSound(inner);
    expect(checked).toMatchObject({ orphanPacks: await packsIn(inner), orphanStates: 1, sweptObjects: 0 });
    await condemnUnneeded(inner);
    await sweepCondemned(inner, { deletes: false });
    expect(await checkSmall(inner)).toMatchObject({
      orphanPacks: 0,
      orphanStates: 1,
      sweptObjects: await packsIn(inner),
    });
  });

  it("is whole where segments are moved before any of its calls", async () => {
    const { calls } = await backupBeside(0, () => Promise.resolve());
    for (let n = 1; n <= calls; n++) await backupBeside(n, maintainAll);
  });
});
