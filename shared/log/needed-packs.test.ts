import { expect, test } from "vitest";
import type { PackId } from "#shared/format/ids.ts";
import { testId, testStoreId } from "./log.fixtures.ts";
import { emptyLogState, type LogState } from "./log-state.ts";
import { NeededPacks } from "./needed-packs.ts";

const pack = (name: string): PackId => testId("pack", name);
const reference = (name: string, ...segments: number[]) => ({
  packId: pack(name),
  segments: Uint8Array.from(segments),
});

/** A log in which the first rows of a pack were moved. */
function withMoved(from: string, to: string, segments: number, rows: number): LogState {
  const state = emptyLogState(testStoreId);
  const runs = [{ packId: pack(to), firstRow: 0, rows }];
  return {
    ...state,
    relocated: state.relocated.with(pack(from), { seq: 1, segments: Uint8Array.of(segments), runs }),
  };
}

test("the rows of a pack are those that any snapshot references, however long each bitmap is", () => {
  const needed = new NeededPacks();
  needed.add(testId("state", "1"), [reference("a", 0b1), reference("b", 0b100)]);
  needed.add(testId("state", "2"), [reference("a", 0b10, 0, 0b1)]);
  needed.add(testId("state", "3"), [reference("a", 0, 0b1000), reference("c", 0b1)]);
  expect(needed.size).toBe(3);
  expect([...(needed.referencedRows(pack("a")) ?? [])]).toEqual([0b11, 0b1000, 0b1]);
  expect([...(needed.referencedRows(pack("b")) ?? [])]).toEqual([0b100]);
  expect(needed.referencedRows(pack("d"))).toBeUndefined();
  expect([...needed.referencedPacks()]).toEqual(["a", "b", "c"].map(pack));
});

test("thousands of packs and snapshots give what a plain map gives", () => {
  const needed = new NeededPacks();
  const plain = new Map<PackId, number[]>();
  for (let snapshot = 0; snapshot < 40; snapshot++) {
    const references = Array.from({ length: 200 }, (_, index) => {
      const number = (snapshot * 31 + index * 7) % 2500;
      const bits = Array.from(
        { length: 1 + ((snapshot + number) % 5) },
        (__, at) => (number * 17 + snapshot + at) & 255,
      );
      return { number, bits };
    });
    for (const { number, bits } of references) {
      const known = plain.get(pack(String(number))) ?? [];
      for (const [at, byte] of bits.entries()) known[at] = (known[at] ?? 0) | byte;
      plain.set(pack(String(number)), known);
    }
    needed.add(
      testId("state", String(snapshot)),
      references.map(({ number, bits }) => reference(String(number), ...bits)),
    );
  }
  for (const [packId, bits] of plain) expect([...(needed.referencedRows(packId) ?? [])]).toEqual(bits);
  expect(needed.size).toBe(plain.size);
});

test("facts are by the relocations asked for, and know of snapshots that were added since", () => {
  const needed = new NeededPacks();
  const state = withMoved("old", "new", 0b11, 2);
  needed.add(testId("state", "1"), [reference("other", 0b1)]);
  const before = needed.facts(state);
  expect(needed.facts(state)).toBe(before);
  expect(before.isNeeded(pack("new"))).toBe(false);
  needed.add(testId("state", "2"), [reference("old", 0b10)]);
  const after = needed.facts(state);
  expect([after.isNeeded(pack("new")), after.isNeeded(pack("old")), after.isNeeded(pack("other"))]).toEqual([
    true,
    false,
    true,
  ]);
  needed.add(testId("state", "3"), [reference("old", 0b100)]);
  expect(needed.facts(state).isNeeded(pack("old"))).toBe(true); // a row that was left behind
  expect(needed.facts(emptyLogState(testStoreId)).isNeeded(pack("new"))).toBe(false);
});

test("a snapshot is covered when all its references were added, and counts once", () => {
  const needed = new NeededPacks();
  needed.addReference(new Uint8Array(32), 0, Uint8Array.of(1), 0, 1);
  expect(needed.covers(testId("state", "1"))).toBe(false);
  needed.cover(testId("state", "1"));
  needed.add(testId("state", "1"), [reference("a", 1)]);
  expect([needed.covers(testId("state", "1")), needed.size]).toEqual([true, 1]);
});
