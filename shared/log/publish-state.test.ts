import { describe, expect, it } from "vitest";
import { HoldfastError } from "#shared/errors.ts";
import { faultyStore } from "#shared/store/faulty-store.ts";
import { memoryStore } from "#shared/store/memory-store.ts";
import { packKey } from "#shared/store/object-key.ts";
import type { Store } from "#shared/store/store.ts";
import { encodePackTable, readPackTableRow } from "#shared/format/pack.ts";
import { encodeStateHead } from "#shared/format/state.ts";
import { sha256 } from "#shared/crypto/sha256.ts";
import { confirmPacks } from "./confirm-packs.ts";
import { appendEntry } from "./append-entry.ts";
import { stageTestState, testAppender, testPack, testSigner, testState, testStoreId } from "./log.fixtures.ts";
import { emptyLogState, type LogState } from "./log-state.ts";
import { publishState } from "./publish-state.ts";
import { readLog } from "./read-log.ts";
import { readStateHead } from "./read-state-head.ts";
import { stageState, type StagedState } from "./stage-state.ts";

const empty = emptyLogState(testStoreId);

/** Folds the log as a reader does, and checks that each snapshot in it is whole: state, packs. */
async function readWhole(store: Store): Promise<LogState> {
  const state = await readLog({ store, from: empty });
  for (const record of state.snapshots.values()) {
    const { head } = await readStateHead(store, testStoreId, record);
    await confirmPacks(store, head.packs);
    await confirmPacks(store, head.references);
  }
  return state;
}

/** A backup in small: a pack, its state, its log entry. Like a real one it passes over a pack that it finds there. */
async function backUp(store: Store, name: string, seed: string): Promise<unknown> {
  const { pack, bytes } = testPack(name);
  await store.put(packKey(pack.packId), [bytes], { sha256: sha256(bytes) }).catch((error: unknown) => {
    if (!(error instanceof HoldfastError) || error.kind !== "conflict") throw error;
  });
  const { headBytes, section } = testState(name, { packs: [pack] });
  const staged = await stageState(store, headBytes, [section]);
  return await publishState(testAppender(store, seed), { staged });
}

describe("publishState", () => {
  it("makes a staged state visible", async () => {
    const store = memoryStore();
    const staged = await stageTestState(store, "a");
    expect((await readWhole(store)).snapshots.size).toBe(0);
    const result = await publishState(testAppender(store, "1"), { staged });
    expect(result).toMatchObject({ appended: true, seq: 1 });
    const { stateId, headBytes, stateBytes, head } = staged;
    expect((await readWhole(store)).snapshots.get(stateId)).toMatchObject({
      commitId: head.commitId,
      headBytes,
      stateBytes,
      seq: 1,
    });
  });

  it("publishes a state once, and tells by which entry when it is called again", async () => {
    const store = memoryStore();
    const staged = await stageTestState(store, "a");
    const first = await publishState(testAppender(store, "1"), { staged });
    await publishState(testAppender(store, "2"), { staged: await stageTestState(store, "b") });
    const again = await publishState(testAppender(store, "3"), { staged });
    expect(again).toMatchObject({ appended: false, seq: 1, entrySha256: first.entrySha256 });
    expect(again.state.seq).toBe(2);
  });

  it("names every pack that is missing, and publishes nothing", async () => {
    const store = memoryStore();
    const packs = ["p", "q", "r"].map((each) => testPack(each).pack);
    const { bytes, pack } = testPack("q");
    await store.put(packKey(pack.packId), [bytes]);
    const { headBytes, section } = testState("a", { packs });
    const staged = await stageState(store, headBytes, [section]);
    const missing = packs.map((each) => each.packId).filter((each) => each !== pack.packId);
    await expect(publishState(testAppender(store, "1"), { staged })).rejects.toMatchObject({
      kind: "absent",
      detail: { packs: missing.sort() },
    });
    expect((await readLog({ store, from: empty })).seq).toBe(0);
  });

  it("refuses a pack of another size or another hash", async () => {
    const { pack, bytes } = testPack("a");
    for (const wrong of [bytes.subarray(1), Buffer.alloc(bytes.byteLength)]) {
      const store = memoryStore();
      await store.put(packKey(pack.packId), [wrong], { sha256: sha256(wrong) });
      const { headBytes, section } = testState("a", { packs: [pack] });
      const staged = await stageState(store, headBytes, [section]);
      await expect(publishState(testAppender(store, "1"), { staged })).rejects.toMatchObject({
        kind: "corrupt",
        detail: { packs: [pack.packId] },
      });
      expect((await readLog({ store, from: empty })).seq).toBe(0);
    }
  });

  it("asks the store about each unknown pack once, 16 at a time, and not about known ones", async () => {
    const inner = memoryStore();
    const packs = Array.from({ length: 50 }, (_, index) => testPack(`${index}`));
    for (const { pack, bytes } of packs) await inner.put(packKey(pack.packId), [bytes]);
    const ids = packs.map(({ pack }) => pack.packId);
    const own = packs.slice(0, 40).map(({ pack }) => pack);
    const { headBytes, section } = testState("a", { packs: own, references: ids });
    const asked: string[] = [];
    let inFlight = 0;
    let most = 0;
    const store: Store = {
      ...inner,
      head: async (key) => {
        asked.push(key);
        most = Math.max(most, ++inFlight);
        await new Promise((resolve) => setImmediate(resolve));
        inFlight--;
        return await inner.head(key);
      },
    };
    const staged = await stageState(store, headBytes, [section]);
    const confirmed = new Set(ids.slice(0, 10));
    const published = new Set(ids.slice(45));
    await publishState(testAppender(store, "1"), { staged, confirmed, published });
    expect(asked.sort()).toEqual(
      ids
        .slice(10, 45)
        .map((each) => packKey(each))
        .sort(),
    );
    expect(most).toBe(16);
  });

  it("revives the condemned packs that the state needs, and no others", async () => {
    const store = memoryStore();
    const staged = await stageTestState(store, "a");
    const mine = testPack("a").pack.packId;
    const other = testPack("b").pack.packId;
    const moment = { seq: 0, timeMs: 0 };
    const from = { ...empty, condemned: empty.condemned.with(mine, moment).with(other, moment) };
    const { state } = await publishState(testAppender(store, "1", { from }), { staged });
    expect([...state.condemned.keys()]).toEqual([other]);
  });

  it("refuses a state one of whose packs was swept, though the pack is still there", async () => {
    const store = memoryStore();
    const staged = await stageTestState(store, "a");
    const { packId } = testPack("a").pack;
    const from = { ...empty, swept: empty.swept.with(packId, 0) };
    await expect(publishState(testAppender(store, "1", { from }), { staged })).rejects.toMatchObject({
      kind: "conflict",
      detail: { rule: "packs-are-not-swept", ids: [packId] },
    });
    expect((await readLog({ store, from: empty })).seq).toBe(0);
  });

  describe("when packs were relocated, condemned and swept since the state was made", () => {
    /** A store whose pack "old" was compacted into pack "new" row by row, swept and deleted; and a state that references `rows` of it. */
    async function compacted(rows: number): Promise<{ store: Store; staged: StagedState; from: LogState }> {
      const store = memoryStore();
      const first = await stageTestState(store, "old");
      const old = testPack("old").pack;
      await publishState(testAppender(store, "0"), { staged: first });
      const { head, section } = testState("late", { references: [old.packId] });
      const references = [{ packId: old.packId, segments: Uint8Array.of(rows) }];
      const headBytes = encodeStateHead({ ...head, references }, (message) => testSigner.sign(message));
      const staged = await stageState(store, headBytes, [section]);
      const stale = await readLog({ store, from: empty });
      const copy = testPack("new");
      await store.put(packKey(copy.pack.packId), [copy.bytes]);
      const row = readPackTableRow(old.table, 0);
      const table = encodePackTable([{ ...row, segmentOffset: 48, directoryOffset: 48 + row.segmentBytes }]);
      const sizeBytes = 48 + row.segmentBytes + row.directoryBytes + 96 + table.byteLength + 48;
      await appendEntry(testAppender(store, "1"), () => [
        {
          type: "relocate",
          from: [{ packId: old.packId, segments: Uint8Array.of(1) }],
          to: [{ ...copy.pack, table, sizeBytes }],
        },
        { type: "condemn", packs: [old.packId] },
      ]);
      await appendEntry(testAppender(store, "2"), () => [{ type: "sweep", packs: [old.packId], states: [] }]);
      await store.delete(packKey(old.packId));
      return { store, staged, from: stale };
    }

    it("publishes what was copied elsewhere, though the pack that it references is gone", async () => {
      const { store, staged, from } = await compacted(0b1);
      const { state } = await publishState(testAppender(store, "3", { from }), { staged });
      expect(state.snapshots.has(staged.stateId)).toBe(true);
    });

    it("says that a pack was swept, not that it is missing, where a segment was not copied", async () => {
      const { store, staged, from } = await compacted(0b11);
      await expect(publishState(testAppender(store, "3", { from }), { staged })).rejects.toMatchObject({
        kind: "conflict",
        detail: { rule: "packs-are-not-swept", ids: [testPack("old").pack.packId] },
      });
    });
  });

  it("refuses a state that is based on a longer log", async () => {
    const store = memoryStore();
    const staged = await stageTestState(store, "a", { baseSeq: 3 });
    await expect(publishState(testAppender(store, "1"), { staged })).rejects.toMatchObject({
      kind: "conflict",
      detail: { rule: "commit-base-is-folded" },
    });
  });
});

describe("a backup whose n-th call fails", () => {
  it.each(["before", "after", "torn"] as const)(
    "(%s its effect) leaves the old snapshots or the new one, and a second run ends with it once",
    async (when) => {
      for (let number = 1; ; number++) {
        const inner = memoryStore();
        await backUp(inner, "old", "0");
        let failed = false;
        const store = faultyStore(inner, {
          fault: (call) => {
            // A torn put breaks the store's own promise; what is torn here is what is read.
            if (call.number !== number || (when === "torn" && call.verb !== "get")) return undefined;
            failed = true;
            return { when };
          },
        });
        const outcome: unknown = await backUp(store, "new", "1").catch((error: unknown) => error);
        const [old, added] = ["old", "new"].map((name) => testState(name, { packs: [testPack(name).pack] }).stateId);
        if (old === undefined || added === undefined) throw new Error("no names");
        const { snapshots } = await readWhole(inner);
        expect(snapshots.has(old)).toBe(true);
        if (!(outcome instanceof Error)) expect(snapshots.size, `call ${number}`).toBe(2);
        await backUp(inner, "new", "2");
        const after = await readWhole(inner);
        expect([...after.snapshots.keys()].sort()).toEqual([old, added].sort());
        expect(after.seq, `call ${number}`).toBe(2);
        if (!failed && number > 8) return;
      }
    },
  );

  it("never says that a snapshot was created when any call of its upload failed for good", async () => {
    const verbs = ["put", "head"] as const;
    for (const verb of verbs) {
      const inner = memoryStore();
      const denied = new HoldfastError("denied", "Cannot write: not allowed");
      const store = faultyStore(inner, {
        fault: (call) => (call.verb === verb ? { when: "before", error: denied } : undefined),
      });
      await expect(backUp(store, "a", "1")).rejects.toBe(denied);
      expect((await readLog({ store: inner, from: empty })).seq).toBe(0);
    }
  });
});
