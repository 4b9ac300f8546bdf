import { describe, expect, it } from "vitest";
import { stateKey, checkpointKey, checkpointPartsPrefix } from "#shared/store/object-key.ts";
import { memoryStore } from "#shared/store/memory-store.ts";
import type { Store } from "#shared/store/store.ts";
import { foldToCheckpoint } from "./checkpoint-fold.ts";
import { TestHistory } from "./checkpoint.fixtures.ts";
import { isCheckpointDue } from "./checkpoint-policy.ts";
import { deleteOldCheckpoints } from "./delete-old-checkpoints.ts";
import { testAppender, testState, testPack } from "./log.fixtures.ts";
import { listCheckpoints, openLog } from "./open-log.ts";
import { readCheckpointPart, readPartSections } from "./read-checkpoint-part.ts";
import { readLog } from "./read-log.ts";
import { emptyLogState } from "./log-state.ts";
import { testStoreId } from "./log.fixtures.ts";
import { writeCheckpoint } from "./write-checkpoint.ts";

const stateIdOf = (name: string) => testState(name, { packs: [testPack(name).pack] }).stateId;

async function keysOf(store: Store, prefix: string): Promise<string[]> {
  const keys: string[] = [];
  for await (const { key } of store.list(prefix)) keys.push(key);
  return keys;
}

describe("writeCheckpoint", () => {
  it("covers every published state, in the fold, the headers and the parts", async () => {
    const history = new TestHistory(memoryStore());
    await history.commits("a", 20);
    const { store } = history;
    const written = await writeCheckpoint(testAppender(store, "one"));
    expect(written).toMatchObject({ seq: 20, covered: 20, leftOut: 0, problems: [] });
    const opened = await openLog({ store, storeId: testStoreId });
    expect(opened.warnings).toEqual([]);
    expect(opened.checkpoint?.seq).toBe(20);
    expect(foldToCheckpoint(opened.state)).toEqual(
      foldToCheckpoint(await readLog({ store, from: emptyLogState(testStoreId) })),
    );
    const { headers, parts } = opened.checkpoint ?? { headers: new Map(), parts: [] };
    for (const [name, head] of history.heads) {
      expect(headers.get(stateIdOf(name))?.sealedSnapshot).toEqual(head.sealedSnapshot);
    }
    const [part] = parts;
    if (part === undefined) throw new Error("no part");
    const { states } = await readCheckpointPart(store, testStoreId, part);
    const sections = await readPartSections(store, part);
    expect(states.size).toBe(20);
    for (const [name, head] of history.heads) {
      const state = states.get(stateIdOf(name));
      expect(state?.packs).toEqual(head.packs);
      const from = (state?.sectionOffset ?? 0) - part.headBytes;
      expect(Buffer.from(sections.subarray(from, from + head.indexBytes)).toString()).toBe(`sealed index of ${name}`);
    }
  });

  it("writes nothing where the newest checkpoint folds all but its own entry", async () => {
    const history = new TestHistory(memoryStore());
    await history.commits("a", 3);
    await writeCheckpoint(testAppender(history.store, "one"));
    const again = await writeCheckpoint(testAppender(history.store, "two"));
    expect(again).toMatchObject({ seq: undefined, covered: 3, leftOut: 0 });
    expect(await keysOf(history.store, "log/")).toHaveLength(4);
    const nothing = await writeCheckpoint(testAppender(memoryStore(), "three"));
    expect(nothing.seq).toBeUndefined();
  });

  it("keeps the number of parts logarithmic, and writes each state a logarithmic number of times", async () => {
    const history = new TestHistory(memoryStore());
    let stored = 0;
    let parts = 0;
    for (let round = 0; round < 32; round++) {
      await history.commits(`r${round}-`, 4);
      const { state, seq, storedBytes } = await writeCheckpoint(
        testAppender(history.store, `${round}`, { from: history.state }),
      );
      history.state = state;
      expect(seq).toBe(state.seq - 1);
      stored += storedBytes;
      parts = Math.max(
        parts,
        (await openLog({ store: history.store, storeId: testStoreId })).checkpoint?.parts.length ?? Infinity,
      );
    }
    expect(parts).toBeLessThanOrEqual(5);
    const { checkpoint } = await openLog({ store: history.store, storeId: testStoreId });
    expect(checkpoint?.parts.reduce((sum, part) => sum + part.states, 0)).toBe(128);
    expect(stored).toBeGreaterThan(0);
  });

  it("closes a part where it is full", async () => {
    const history = new TestHistory(memoryStore());
    await history.commits("a", 10);
    await writeCheckpoint(testAppender(history.store, "one"), { partBytes: 1200 });
    const { checkpoint } = await openLog({ store: history.store, storeId: testStoreId });
    expect(checkpoint?.parts.length).toBeGreaterThan(3);
    expect(checkpoint?.parts.reduce((sum, part) => sum + part.states, 0)).toBe(10);
  });

  it("leaves out what it cannot read, and takes it in when it can", async () => {
    const history = new TestHistory(memoryStore());
    await history.commits("a", 5);
    const { store } = history;
    const key = stateKey(stateIdOf("a2"));
    const bytes = await store.get(key);
    await store.delete(key);
    const written = await writeCheckpoint(testAppender(store, "one"));
    expect(written).toMatchObject({ seq: 5, covered: 4, leftOut: 1 });
    expect(written.problems.map((each) => each.stateId)).toEqual([stateIdOf("a2")]);
    await store.put(key, [bytes]);
    history.state = written.state;
    await history.commit("later");
    expect(await writeCheckpoint(testAppender(store, "two"))).toMatchObject({ covered: 6, leftOut: 0 });
  });

  it("takes in no more states than it is told, the earliest first", async () => {
    const history = new TestHistory(memoryStore());
    await history.commits("a", 10);
    const written = await writeCheckpoint(testAppender(history.store, "one"), { statesMax: 4 });
    expect(written).toMatchObject({ covered: 4, leftOut: 6, problems: [] });
    const { checkpoint } = await openLog({ store: history.store, storeId: testStoreId });
    expect(checkpoint?.headers.has(stateIdOf("a3"))).toBe(true);
    expect(checkpoint?.headers.has(stateIdOf("a4"))).toBe(false);
  });

  it("written by two at once is vouched for once, and both succeed", async () => {
    const history = new TestHistory(memoryStore());
    await history.commits("a", 6);
    const both = await Promise.all(["one", "two"].map((seed) => writeCheckpoint(testAppender(history.store, seed))));
    expect(both.filter((each) => each.seq === 6)).toHaveLength(1);
    expect((await openLog({ store: history.store, storeId: testStoreId })).checkpoint?.seq).toBe(6);
    expect(await keysOf(history.store, "log/")).toHaveLength(7);
  });

  it("forgets what was swept, and is written anew where a part is lost", async () => {
    const history = new TestHistory(memoryStore());
    await history.commits("a", 70);
    const { store } = history;
    history.state = (await writeCheckpoint(testAppender(store, "one"))).state;
    await history.append([{ type: "remove", snapshots: [stateIdOf("a1")] }]);
    await history.append([{ type: "sweep", packs: [], states: [stateIdOf("a1")] }]);
    await store.delete(stateKey(stateIdOf("a1")));
    const second = await writeCheckpoint(testAppender(store, "two"), { isThorough: true });
    expect(second).toMatchObject({ seq: 73, covered: 69, leftOut: 0 });
    history.state = second.state;
    const [part = ""] = await keysOf(store, checkpointPartsPrefix);
    await store.delete(part);
    const third = await writeCheckpoint(testAppender(store, "three"), { isThorough: true });
    expect(third).toMatchObject({ seq: 74, covered: 69, leftOut: 0, problems: [] });
    const { checkpoint } = await openLog({ store, storeId: testStoreId });
    expect(checkpoint?.parts.reduce((sum, each) => sum + each.states, 0)).toBe(69);
  });

  it("packs anew what is mostly of no use any more", async () => {
    const history = new TestHistory(memoryStore());
    await history.commits("a", 200);
    const { store } = history;
    history.state = (await writeCheckpoint(testAppender(store, "one"))).state;
    const gone = Array.from({ length: 150 }, (_, index) => stateIdOf(`a${index}`));
    await history.append([{ type: "remove", snapshots: gone }]);
    await history.append([{ type: "sweep", packs: [], states: gone }]);
    expect(await writeCheckpoint(testAppender(store, "two"), { isThorough: true })).toMatchObject({ covered: 50 });
    const { checkpoint } = await openLog({ store, storeId: testStoreId });
    expect(checkpoint?.parts.map((part) => part.states)).toEqual([50]);
  });

  it.each(["before", "after"] as const)(
    "that dies %s any of its puts leaves a store that opens, and the next one succeeds",
    async (when) => {
      for (let dying = 1; ; dying++) {
        const history = new TestHistory(memoryStore());
        await history.commits("a", 3);
        let puts = 0;
        const store: Store = {
          ...history.store,
          async put(...put) {
            if (++puts !== dying) return history.store.put(...put);
            if (when === "after") await history.store.put(...put);
            throw new Error("dead");
          },
        };
        const died = await writeCheckpoint(testAppender(store, "dead")).then(
          () => false,
          () => true,
        );
        const { state, warnings } = await openLog({ store: history.store, storeId: testStoreId });
        expect(warnings).toEqual([]);
        expect(state.snapshots.size).toBe(3);
        await writeCheckpoint(testAppender(history.store, "next"));
        expect((await openLog({ store: history.store, storeId: testStoreId })).checkpoint?.seq).toBe(3);
        if (!died) break;
        expect(dying).toBeLessThan(10);
      }
    },
  );

  it("refuses to vouch for another's object at its number", async () => {
    const history = new TestHistory(memoryStore());
    await history.commits("a", 3);
    await history.store.put(checkpointKey(3), [new Uint8Array(100)]);
    await expect(writeCheckpoint(testAppender(history.store, "one"))).rejects.toMatchObject({ kind: "corrupt" });
    expect(await keysOf(history.store, "log/")).toHaveLength(3);
  });
});

describe("isCheckpointDue", () => {
  it("counts entries after the newest checkpoint, more of them in larger stores", async () => {
    const history = new TestHistory(memoryStore());
    await history.commits("a", 64);
    expect(isCheckpointDue(history.state)).toBe(false);
    await history.commit("one more");
    expect(isCheckpointDue(history.state)).toBe(true);
    const { state } = await writeCheckpoint(testAppender(history.store, "one"));
    expect(isCheckpointDue(state)).toBe(false);
  });
});

describe("deleteOldCheckpoints", () => {
  it("keeps the two newest with their parts, and deletes nothing without a usable one", async () => {
    const history = new TestHistory(memoryStore());
    const { store } = history;
    for (let round = 0; round < 6; round++) {
      await history.commits(`r${round}-`, 4);
      history.state = (await writeCheckpoint(testAppender(store, `${round}`, { from: history.state }))).state;
    }
    const nowMs = Date.now();
    const deleted = await deleteOldCheckpoints({ store, state: history.state, nowMs });
    expect(deleted.objects).toBeGreaterThan(4);
    const left = await listCheckpoints(store);
    expect(left).toHaveLength(2);
    expect((await openLog({ store, storeId: testStoreId })).warnings).toEqual([]);
    const { checkpoint } = await openLog({ store, storeId: testStoreId });
    for (const part of checkpoint?.parts ?? []) await readPartSections(store, part);
    expect(await deleteOldCheckpoints({ store, state: history.state, nowMs })).toEqual({ objects: 0, bytes: 0 });
    await store.delete(checkpointKey(left[1] ?? 0));
    expect(await deleteOldCheckpoints({ store, state: history.state, nowMs })).toEqual({ objects: 0, bytes: 0 });
    expect(await listCheckpoints(store)).toEqual([left[0]]);
    expect((await openLog({ store, storeId: testStoreId })).checkpoint?.seq).toBe(left[0]);
  });
});
