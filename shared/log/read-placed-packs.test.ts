import { describe, expect, it } from "vitest";
import type { PackId } from "#shared/format/ids.ts";
import type { StatePack } from "#shared/format/state.ts";
import { logKey, packKey } from "#shared/store/object-key.ts";
import { memoryStore } from "#shared/store/memory-store.ts";
import { meteredStore } from "#shared/store/metered-store.ts";
import type { Store } from "#shared/store/store.ts";
import { TestHistory } from "./checkpoint.fixtures.ts";
import { testAppender, testPack, testStoreId } from "./log.fixtures.ts";
import { emptyLogState, type LogState } from "./log-state.ts";
import { openLog } from "./open-log.ts";
import { readCheckpointPart } from "./read-checkpoint-part.ts";
import { readLog } from "./read-log.ts";
import { readPlacedPacks } from "./read-placed-packs.ts";
import { writeCheckpoint } from "./write-checkpoint.ts";

/** Publishes a state and moves its one segment to another pack, `count` times. */
async function relocated(count: number, from = new TestHistory(memoryStore())): Promise<TestHistory> {
  const before = from.heads.size;
  for (let index = before; index < before + count; index++) {
    await from.commit(`a${index}`);
    const { packId } = testPack(`a${index}`).pack;
    const to = testPack(`moved a${index}`).pack;
    const rows = to.table.byteLength / 56;
    const segments = Uint8Array.of(2 ** rows - 1);
    await from.append([{ type: "relocate", from: [{ packId, segments }], to: [to] }]);
  }
  return from;
}

async function tablesOf(store: Store, log: LogState) {
  const tables = new Map<PackId, StatePack>();
  const unknown = await readPlacedPacks({
    store,
    log,
    isMeant: () => true,
    use: (pack) => void tables.set(pack.packId, pack),
  });
  return { tables, unknown };
}

async function inParts(store: Store): Promise<readonly StatePack[]> {
  const { checkpoint } = await openLog({ store, storeId: testStoreId });
  const parts = checkpoint?.parts ?? [];
  const heads = await Promise.all(parts.map((part) => readCheckpointPart(store, testStoreId, part)));
  for (const [index, { states, placed }] of heads.entries())
    expect(parts[index]).toMatchObject({ states: states.size, placed: placed.length });
  return heads.flatMap((each) => each.placed);
}

describe("tables of packs that relocations placed", () => {
  it("are read from the entries that placed them, one request each", async () => {
    const { store, state } = await relocated(5);
    const { store: metered, meter } = meteredStore(store);
    const { tables, unknown } = await tablesOf(metered, state);
    expect(unknown).toEqual([]);
    expect(meter.gets).toBe(5);
    for (let index = 0; index < 5; index++) {
      const { pack } = testPack(`moved a${index}`);
      expect(tables.get(pack.packId)).toEqual(pack);
    }
  });

  it("are named as unknown, with the reason, where neither the entry nor the pack is left", async () => {
    const { store, state } = await relocated(2);
    await store.delete(logKey(2));
    const { tables, unknown } = await tablesOf(store, state);
    expect(tables.size).toBe(1);
    expect(unknown.map(({ packId }) => packId)).toEqual([testPack("moved a0").pack.packId]);
    expect(unknown[0]?.error.kind).toBe("absent");
    expect(unknown[0]?.error.message).toContain(packKey(testPack("moved a0").pack.packId));
  });

  it("stand in the parts of checkpoints, old ones and new ones, and not those that were swept since", async () => {
    const history = await relocated(3);
    const { store } = history;
    await writeCheckpoint(testAppender(store, "one"));
    expect(new Set((await inParts(store)).map((each) => each.packId))).toEqual(new Set(history.state.placed.keys()));
    history.state = await readLog({ store, from: emptyLogState(testStoreId) });
    await relocated(2, history);
    const { packId } = testPack("moved a0").pack;
    await history.append([{ type: "condemn", packs: [packId] }]);
    await history.append([{ type: "sweep", packs: [packId], states: [] }]);
    await writeCheckpoint(testAppender(store, "two"), { isThorough: true });
    const placed = await inParts(store);
    expect(new Set(placed.map((each) => each.packId))).toEqual(new Set(history.state.placed.keys()));
    expect(placed).toHaveLength(4);
    for (const index of [1, 2, 3, 4]) expect(placed).toContainEqual(testPack(`moved a${index}`).pack);
  });

  it("are no part of the fold: its size goes with the packs, not with their segments", async () => {
    const { state } = await relocated(2);
    expect([...state.placed.values()]).toEqual([2, 4]);
  });
});
