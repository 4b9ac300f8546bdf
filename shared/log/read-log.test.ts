import { describe, expect, it } from "vitest";
import { createSigner } from "#shared/crypto/signing.ts";
import { HoldfastError } from "#shared/errors.ts";
import { encodeLogEntry } from "#shared/format/log-entry.ts";
import { logKey } from "#shared/store/object-key.ts";
import { memoryStore } from "#shared/store/memory-store.ts";
import type { Store } from "#shared/store/store.ts";
import { foldEntry } from "./fold-entry.ts";
import { putEntry, testCommit, testEntry, testId, testStoreId } from "./log.fixtures.ts";
import { emptyLogState, logMark, type LogState } from "./log-state.ts";
import { readLog, type ReadLogOptions } from "./read-log.ts";

const empty = emptyLogState(testStoreId);

/** A store with `count` entries from `branch`, and the states after each. */
async function storeWith(count: number, branch = "main", from = 0): Promise<{ store: Store; states: LogState[] }> {
  const store = memoryStore();
  const states: LogState[] = [empty];
  let state = empty;
  for (let seq = 1; seq <= count; seq++) {
    const stored = testEntry(state, [testCommit(`${seq <= from ? "main" : branch} ${seq}`)]);
    await putEntry(store, stored);
    state = foldEntry(state, stored);
    states.push(state);
  }
  return { store, states };
}

function at(states: readonly LogState[], seq: number): LogState {
  const state = states[seq];
  if (state === undefined) throw new Error(`no state ${seq}`);
  return state;
}

async function errorOf(options: Omit<ReadLogOptions, "from"> & { from?: LogState }): Promise<HoldfastError> {
  try {
    await readLog({ from: empty, ...options });
  } catch (error) {
    if (error instanceof HoldfastError) return error;
    throw error;
  }
  throw new Error("nothing was thrown");
}

/** A store that answers `get` of log entries with other bytes. */
function replacing(store: Store, seq: number, bytes: Uint8Array<ArrayBuffer>): Store {
  return { ...store, get: (key, range) => (key === logKey(seq) ? Promise.resolve(bytes) : store.get(key, range)) };
}

describe("readLog", () => {
  it("folds nothing from an empty store", async () => {
    expect(await readLog({ store: memoryStore(), from: empty, atLeast: logMark(empty) })).toEqual(empty);
  });

  it.each([0, 1, 17, 40])("folds what comes after entry %i, in order, and tells of each entry", async (from) => {
    const { store, states } = await storeWith(40);
    const told: number[] = [];
    const state = await readLog({
      store,
      from: at(states, from),
      onEntry: (stored, after) => {
        expect(after.seq).toBe(stored.entry.seq);
        told.push(after.seq);
      },
    });
    expect(logMark(state)).toEqual(logMark(at(states, 40)));
    expect(state.snapshots.size).toBe(40);
    expect(told).toEqual(Array.from({ length: 40 - from }, (_, index) => from + 1 + index));
  });

  it("keeps 16 reads in flight and no more", async () => {
    const { store } = await storeWith(100);
    let inFlight = 0;
    let most = 0;
    const counting: Store = {
      ...store,
      get: async (key) => {
        most = Math.max(most, ++inFlight);
        await new Promise((resolve) => setImmediate(resolve));
        inFlight--;
        return await store.get(key);
      },
    };
    expect((await readLog({ store: counting, from: empty })).seq).toBe(100);
    expect(most).toBe(16);
  });

  it("reads entries of many megabytes one or two at a time", async () => {
    const { store } = await storeWith(6);
    let inFlight = 0;
    let most = 0;
    const large: Store = {
      ...store,
      async *list(prefix, options) {
        for await (const each of store.list(prefix, options)) yield { ...each, sizeBytes: 15 * 1024 * 1024 };
      },
      get: async (key) => {
        most = Math.max(most, ++inFlight);
        await new Promise((resolve) => setImmediate(resolve));
        inFlight--;
        return await store.get(key);
      },
    };
    expect((await readLog({ store: large, from: empty })).seq).toBe(6);
    expect(most).toBe(2);
  });

  it.each([1, 7, 19])("names the key of entry %i that is missing before others", async (missing) => {
    const { store } = await storeWith(20);
    await store.delete(logKey(missing));
    const error = await errorOf({ store });
    expect(error.kind).toBe("corrupt");
    expect(error.detail["key"]).toBe(logKey(missing));
  });

  it("names the key of the entry to fold from when that one is missing before others", async () => {
    const { store, states } = await storeWith(8);
    await store.delete(logKey(5));
    const error = await errorOf({ store, from: at(states, 5) });
    expect(error).toMatchObject({ kind: "corrupt", detail: { key: logKey(5) } });
  });

  it("reads an entry that the listing missed and that is there", async () => {
    const { store } = await storeWith(5);
    const racing: Store = {
      ...store,
      async *list(prefix, options) {
        for await (const each of store.list(prefix, options)) if (each.key !== logKey(3)) yield each;
      },
    };
    expect((await readLog({ store: racing, from: empty })).seq).toBe(5);
  });

  it("passes over objects that are not named by 20 digits", async () => {
    const { store } = await storeWith(2);
    await store.put("log/README", [Buffer.from("hello")]);
    await store.put("log/000000000000000000001", [Buffer.from("hello")]);
    await store.put("log/99999999999999999999", [Buffer.from("hello")]);
    expect((await readLog({ store, from: empty })).seq).toBe(2);
  });

  it("refuses an entry with any byte changed", async () => {
    const { store } = await storeWith(2);
    const bytes = await store.get(logKey(1));
    for (let index = 0; index < bytes.byteLength; index++) {
      const changed = bytes.slice();
      changed[index] = (changed[index] ?? 0) ^ 0x40;
      const error = await errorOf({ store: replacing(store, 1, changed) });
      expect(["corrupt", "incompatible"]).toContain(error.kind);
      expect(error.message).toContain(logKey(1));
    }
  });

  it("refuses an entry that is longer than an entry can be before it reads it", async () => {
    const { store } = await storeWith(1);
    const large: Store = {
      ...store,
      async *list() {
        yield { key: logKey(1), sizeBytes: 2 ** 30 };
      },
      get: () => Promise.reject(new Error("read all the same")),
    };
    expect((await errorOf({ store: large })).detail).toMatchObject({ key: logKey(1) });
  });

  it("refuses an entry signed by another than its author", async () => {
    const { store } = await storeWith(1);
    const other = createSigner(new Uint8Array(32).fill(9));
    const { entry } = testEntry(empty, [testCommit("forged")]);
    const forged = encodeLogEntry(entry, (message) => other.sign(message));
    expect((await errorOf({ store: replacing(store, 1, forged) })).message).toMatch(/signature does not hold/);
  });

  it("refuses an entry of another store", async () => {
    const store = memoryStore();
    await putEntry(store, testEntry({ ...empty, storeId: "f".repeat(32) as LogState["storeId"] }, [testCommit("a")]));
    expect((await errorOf({ store })).message).toMatch(/belongs to store ffff/);
  });

  it("refuses an entry that was rewritten, at the one after it", async () => {
    const { store, states } = await storeWith(3);
    const rewritten = testEntry(at(states, 1), [testCommit("rewritten")]).bytes;
    const error = await errorOf({ store: replacing(store, 2, rewritten) });
    expect(error.detail["key"]).toBe(logKey(3));
    expect(error.message).toMatch(/follows an entry with hash [0-9a-f]{64}/);
  });

  it("refuses a copy that went its own way after the last entry that was folded", async () => {
    const { states } = await storeWith(5);
    const { store: other } = await storeWith(6, "other", 3);
    expect((await errorOf({ store: other, from: at(states, 4) })).detail["key"]).toBe(logKey(5));
  });

  it.each([0, 2, 4, 5])(
    "refuses a copy that diverges at the highest entry that was seen, from entry %i",
    async (from) => {
      const { states } = await storeWith(5);
      const { store: other, states: others } = await storeWith(5, "other", 3);
      const error = await errorOf({ store: other, from: at(others, from), atLeast: logMark(at(states, 5)) });
      expect(error.kind).toBe("corrupt");
      expect(error.detail).toMatchObject({ key: logKey(5), seq: 5 });
    },
  );

  it("refuses a copy that diverged before a checkpoint that lies beyond the highest entry seen", async () => {
    const { states } = await storeWith(4);
    const { store: other, states: others } = await storeWith(9, "other", 3);
    const error = await errorOf({ store: other, from: at(others, 8), atLeast: logMark(at(states, 4)) });
    expect(error.detail).toMatchObject({ key: logKey(4) });
  });

  it("refuses the last entry rewritten when nothing newer proves it", async () => {
    const { store, states } = await storeWith(3);
    const rewritten = testEntry(at(states, 2), [testCommit("rewritten")]).bytes;
    const error = await errorOf({
      store: replacing(store, 3, rewritten),
      from: at(states, 3),
      atLeast: logMark(at(states, 3)),
    });
    expect(error.detail).toMatchObject({ key: logKey(3), seq: 3 });
  });

  it.each([0, 3, 5])("refuses a store that went back, naming both entries, from entry %i", async (from) => {
    const { states } = await storeWith(5);
    const { store: older } = await storeWith(3);
    const error = await errorOf({ store: older, from: at(states, from), atLeast: logMark(at(states, 5)) });
    expect(error.kind).toBe("corrupt");
    expect(error.detail).toMatchObject({ last: 3, seen: 5 });
    expect(error.message).toMatch(/ends at entry 3, and entry 5 was seen/);
  });

  it("refuses a store that went back behind the state to fold from, without a mark", async () => {
    const { states } = await storeWith(5);
    const { store: older } = await storeWith(3);
    expect((await errorOf({ store: older, from: at(states, 5) })).detail).toMatchObject({ last: 3, seen: 5 });
    expect((await errorOf({ store: memoryStore(), from: at(states, 5) })).detail).toMatchObject({ last: 0, seen: 5 });
  });

  it("accepts a store that holds exactly what was seen", async () => {
    const { store, states } = await storeWith(5);
    for (const from of [0, 3, 5]) {
      for (const seen of [0, 1, 3, 5])
        expect((await readLog({ store, from: at(states, from), atLeast: logMark(at(states, seen)) })).seq).toBe(5);
    }
  });

  it("throws the failure of a read, and reports none of the others unhandled", async () => {
    const { store } = await storeWith(40);
    const failing: Store = {
      ...store,
      get: (key) =>
        key >= logKey(5)
          ? Promise.reject(new HoldfastError("unavailable", `Cannot get ${key}: no answer`))
          : store.get(key),
    };
    expect((await errorOf({ store: failing })).message).toContain(logKey(5));
  });

  it("stops when it is asked to", async () => {
    const { store } = await storeWith(3);
    expect((await errorOf({ store, signal: AbortSignal.abort() })).kind).toBe("interrupted");
  });

  it("names the rule that an entry in the log breaks", async () => {
    const { store, states } = await storeWith(2);
    await putEntry(store, testEntry(at(states, 2), [{ type: "remove", snapshots: [testId("state", "nobody")] }]));
    expect((await errorOf({ store })).detail).toMatchObject({ seq: 3, event: 0, rule: "snapshots-are-published" });
  });
});
