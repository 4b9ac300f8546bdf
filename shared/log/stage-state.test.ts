import { describe, expect, it } from "vitest";
import { failAtCall, faultyStore } from "#shared/store/faulty-store.ts";
import { memoryStore } from "#shared/store/memory-store.ts";
import { stateKey } from "#shared/store/object-key.ts";
import type { Store } from "#shared/store/store.ts";
import { testPack, testState, testStoreId } from "./log.fixtures.ts";
import { readStateHead } from "./read-state-head.ts";
import { stageState } from "./stage-state.ts";

const { stateId, head, headBytes, section } = testState("a", { packs: [testPack("a").pack] });
const key = stateKey(stateId);

/** A store that keeps no SHA-256 of what it holds. */
function withoutSha256(store: Store): Store {
  return { ...store, head: async (name) => ({ sizeBytes: (await store.head(name)).sizeBytes }) };
}

describe("stageState", () => {
  it("puts head and section as one object named by the hash of the head", async () => {
    const store = memoryStore();
    const staged = await stageState(store, headBytes, [section]);
    const stateBytes = headBytes.byteLength + section.byteLength;
    expect(staged).toEqual({ stateId, head, headBytes: headBytes.byteLength, stateBytes });
    expect(Buffer.from(await store.get(key))).toEqual(Buffer.concat([headBytes, section]));
    expect(await readStateHead(store, testStoreId, staged)).toEqual(staged);
  });

  it.each([
    ["that tells the SHA-256 of objects", (store: Store) => store],
    ["that tells their size only", withoutSha256],
  ])("succeeds when the same state is there already, on a store %s", async (_name, wrap) => {
    const store = wrap(memoryStore());
    const first = await stageState(store, headBytes, [section]);
    expect(await stageState(store, headBytes, [section])).toEqual(first);
  });

  it.each([
    ["a longer object", Buffer.concat([headBytes, section, Buffer.of(0)])],
    ["an object of the same length", Buffer.concat([headBytes, Buffer.alloc(section.byteLength)])],
  ])("refuses %s under its name", async (_name, other) => {
    for (const store of [memoryStore(), withoutSha256(memoryStore())]) {
      await store.put(key, [other]);
      await expect(stageState(store, headBytes, [section])).rejects.toMatchObject({ kind: "corrupt", detail: { key } });
    }
  });

  it("may be called again after any call failed, before or after its effect", async () => {
    for (const when of ["before", "after"] as const) {
      const store = memoryStore();
      const failing = faultyStore(store, { fault: failAtCall(1, { when }) });
      await expect(stageState(failing, headBytes, [section])).rejects.toMatchObject({ kind: "unavailable" });
      expect(await stageState(failing, headBytes, [section])).toMatchObject({ stateId });
    }
  });

  it("refuses a section that the head does not describe, and writes nothing", async () => {
    const store = memoryStore();
    const other = Buffer.alloc(section.byteLength);
    await expect(stageState(store, headBytes, [other])).rejects.toMatchObject({ kind: "internal" });
    await expect(store.head(key)).rejects.toMatchObject({ kind: "absent" });
  });
});

describe("readStateHead", () => {
  it("refuses a head with a byte changed, and one of another store", async () => {
    const store = memoryStore();
    const staged = await stageState(store, headBytes, [section]);
    const changed: Store = {
      ...store,
      get: async (name, range) => {
        const bytes = await store.get(name, range);
        bytes[100] = (bytes[100] ?? 0) ^ 1;
        return bytes;
      },
    };
    await expect(readStateHead(changed, testStoreId, staged)).rejects.toMatchObject({
      kind: "corrupt",
      detail: { key },
    });
    const otherStore = "f".repeat(32) as typeof testStoreId;
    await expect(readStateHead(store, otherStore, staged)).rejects.toMatchObject({ kind: "corrupt" });
  });
});
