import { describe, expect, it } from "vitest";
import { verifySignature } from "#shared/crypto/signing.ts";
import { encodeHeadersSection, headersSectionName } from "#shared/format/checkpoint-headers.ts";
import {
  checkpointHeadLength,
  checkpointSection,
  decodeCheckpointHead,
  encodeCheckpointHead,
} from "#shared/format/checkpoint.ts";
import { checkpointKey, checkpointsPrefix, logKey } from "#shared/store/object-key.ts";
import { memoryStore } from "#shared/store/memory-store.ts";
import { meteredStore } from "#shared/store/metered-store.ts";
import type { Store } from "#shared/store/store.ts";
import { foldToCheckpoint } from "./checkpoint-fold.ts";
import { TestHistory } from "./checkpoint.fixtures.ts";
import { testAppender, testSigner, testStoreId } from "./log.fixtures.ts";
import { emptyLogState, logMark, type LogState } from "./log-state.ts";
import { openLog } from "./open-log.ts";
import { readLog } from "./read-log.ts";
import { writeCheckpoint } from "./write-checkpoint.ts";

/** A store of 20 commits, with checkpoints after the 8th and (as entry 9 vouches for that) the 16th entry. */
async function checkpointed(): Promise<{ history: TestHistory; store: Store }> {
  const history = new TestHistory(memoryStore());
  const { store } = history;
  await history.commits("a", 8);
  history.state = (await writeCheckpoint(testAppender(store, "one"))).state;
  await history.commits("b", 7);
  history.state = (await writeCheckpoint(testAppender(store, "two"))).state;
  await history.commits("c", 3);
  return { history, store };
}

const open = (store: Store, more: { atLeast?: { seq: number; sha256: Uint8Array } } = {}) =>
  openLog({ store, storeId: testStoreId, ...more });

const same = (state: LogState) => ({ ...foldToCheckpoint(state), sha256: state.lastSha256 });

async function replace(store: Store, key: string, bytes: Uint8Array): Promise<void> {
  await store.delete(key);
  await store.put(key, [bytes]);
}

describe("openLog", () => {
  it("gives what folding from the first entry gives, from the newest checkpoint, in few requests", async () => {
    const { history, store } = await checkpointed();
    const { store: metered, meter } = meteredStore(store);
    const opened = await open(metered);
    expect(same(opened.state)).toEqual(same(await readLog({ store, from: emptyLogState(testStoreId) })));
    expect(same(opened.state)).toEqual(same(history.state));
    expect(opened).toMatchObject({ checkpoint: { seq: 16 }, warnings: [] });
    expect({ lists: meter.lists, gets: meter.gets }).toEqual({ lists: 2, gets: 1 + 4 });
  });

  it("reads the whole log where there is no checkpoint, and warns of nothing", async () => {
    const history = new TestHistory(memoryStore());
    expect(await open(history.store)).toMatchObject({ state: { seq: 0 }, warnings: [] });
    await history.commits("a", 3);
    expect(await open(history.store)).toEqual({ state: history.state, warnings: [] });
  });

  it.each([0, 8, 14, 30, 100, 200, -1, -40])(
    "takes the older one where byte %i of the newest is damaged, and warns",
    async (at) => {
      const { history, store } = await checkpointed();
      const bytes = (await store.get(checkpointKey(16))).slice();
      const index = (at + bytes.byteLength) % bytes.byteLength;
      bytes[index] = (bytes[index] ?? 0) ^ 1;
      await replace(store, checkpointKey(16), bytes);
      const opened = await open(store);
      expect(same(opened.state)).toEqual(same(history.state));
      expect(opened.checkpoint?.seq).toBe(8);
      expect(opened.warnings.map((each) => each.detail["checkpoint"])).toEqual([16]);
    },
  );

  it("reads the whole log where no checkpoint can be used, and warns of each", async () => {
    const { history, store } = await checkpointed();
    for (const seq of [8, 16]) await replace(store, checkpointKey(seq), new Uint8Array(300));
    const opened = await open(store);
    expect(same(opened.state)).toEqual(same(history.state));
    expect(opened.checkpoint).toBeUndefined();
    expect(opened.warnings).toHaveLength(2);
  });

  it("refuses a checkpoint that is sound and signed, but not the one that the log vouches for", async () => {
    const { history, store } = await checkpointed();
    const bytes = await store.get(checkpointKey(16));
    const headBytes = checkpointHeadLength(bytes, "a checkpoint");
    const head = decodeCheckpointHead(bytes.subarray(0, headBytes), "a checkpoint", verifySignature);
    // It hides a snapshot, and gives no headers.
    const empty = encodeHeadersSection([]);
    const sections = head.sections.map((each) =>
      each.name === headersSectionName ? checkpointSection(headersSectionName, [empty]) : each,
    );
    const lying = encodeCheckpointHead({ ...head, snapshots: [...head.snapshots].slice(1), sections }, (message) =>
      testSigner.sign(message),
    );
    let offset = headBytes;
    const contents = head.sections.map((each) => {
      const content = bytes.subarray(offset, offset + each.bytes);
      offset += each.bytes;
      return each.name === headersSectionName ? empty : content;
    });
    await replace(store, checkpointKey(16), Buffer.concat([lying, ...contents]));
    const opened = await open(store);
    expect(same(opened.state)).toEqual(same(history.state));
    expect(opened.checkpoint?.seq).toBe(8);
    expect(opened.warnings).toHaveLength(1);
  });

  it("passes over one that no entry vouches for, and one of the future", async () => {
    const { history, store } = await checkpointed();
    const bytes = await store.get(checkpointKey(16));
    for (const seq of [19, 500]) await store.put(checkpointKey(seq), [bytes]);
    const opened = await open(store);
    expect(same(opened.state)).toEqual(same(history.state));
    expect(opened.checkpoint?.seq).toBe(16);
  });

  it("finds the one that is vouched for behind many whose writers died", async () => {
    const { history, store } = await checkpointed();
    const dying: Store = {
      ...store,
      put: (key, ...rest) => (key.startsWith("log/") ? Promise.reject(new Error("dead")) : store.put(key, ...rest)),
    };
    for (let round = 0; round < 8; round++) {
      await history.commit(`d${round}`);
      await expect(writeCheckpoint(testAppender(dying, `${round}`, { from: history.state }))).rejects.toThrow("dead");
    }
    const opened = await open(store);
    expect(same(opened.state)).toEqual(same(history.state));
    expect(opened).toMatchObject({ checkpoint: { seq: 16 }, warnings: [] });
  });

  it("opens though all entries before the checkpoint are lost", async () => {
    const { history, store } = await checkpointed();
    for (let seq = 1; seq <= 16; seq++) await store.delete(logKey(seq));
    const opened = await open(store);
    expect(same(opened.state)).toEqual(same(history.state));
    expect(opened.warnings).toEqual([]);
  });

  it("does not open where an entry after the checkpoint is lost", async () => {
    const { store } = await checkpointed();
    await store.delete(logKey(18));
    await expect(open(store)).rejects.toMatchObject({ kind: "corrupt", detail: { key: logKey(18) } });
  });

  it("does not open from a checkpoint that entries contradict", async () => {
    const { store } = await checkpointed();
    const other = new TestHistory(memoryStore());
    await other.commits("other", 20);
    for (let seq = 17; seq <= 20; seq++) await replace(store, logKey(seq), await other.store.get(logKey(seq)));
    await expect(open(store)).rejects.toMatchObject({ kind: "corrupt" });
  });
});

describe("openLog with what was seen before", () => {
  const at = async (history: TestHistory, seq: number) => {
    let mark = logMark(emptyLogState(testStoreId));
    await readLog({
      store: history.store,
      from: emptyLogState(testStoreId),
      onEntry: (stored) => {
        if (stored.entry.seq === seq) mark = { seq, sha256: stored.sha256 };
      },
    });
    return mark;
  };

  it.each([1, 8, 15, 16, 17, 19, 20])("is content with entry %i as it was seen", async (seq) => {
    const { history, store } = await checkpointed();
    expect((await open(store, { atLeast: await at(history, seq) })).warnings).toEqual([]);
  });

  it.each([1, 15, 16, 17, 20])("refuses another entry %i, naming both hashes", async (seq) => {
    const { store } = await checkpointed();
    const atLeast = { seq, sha256: new Uint8Array(32).fill(9) };
    await expect(open(store, { atLeast })).rejects.toMatchObject({
      kind: "corrupt",
      detail: { seq, seen: "09".repeat(32) },
    });
  });

  it("refuses a log that ends before what was seen", async () => {
    const { store } = await checkpointed();
    const atLeast = { seq: 21, sha256: new Uint8Array(32) };
    await expect(open(store, { atLeast })).rejects.toMatchObject({ kind: "corrupt", detail: { last: 20, seen: 21 } });
  });

  it("compares an entry before the checkpoint by one get, and warns where that entry is lost", async () => {
    const { history, store } = await checkpointed();
    const atLeast = await at(history, 5);
    const { store: metered, meter } = meteredStore(store);
    await open(metered, { atLeast });
    expect(meter.gets).toBe(1 + 4 + 1);
    await store.delete(logKey(5));
    const opened = await open(store, { atLeast });
    expect(opened.state.seq).toBe(20);
    expect(opened.warnings.map((each) => each.detail["key"])).toEqual([logKey(5)]);
  });
});

describe("a listing of checkpoints", () => {
  it("is not led astray by other names", async () => {
    const { store } = await checkpointed();
    for (const name of ["0", "readme", "9".repeat(20), "parts/x", `${"0".repeat(19)}x`])
      await store.put(checkpointsPrefix + name, [new Uint8Array(1)]);
    expect(await open(store)).toMatchObject({ checkpoint: { seq: 16 }, warnings: [] });
  });
});
