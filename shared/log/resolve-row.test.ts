import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { IdMap } from "./id-map.ts";
import type { LogEvent } from "#shared/format/log-entry.ts";
import type { PackId } from "#shared/format/ids.ts";
import { encodePackTable } from "#shared/format/pack.ts";
import { foldEntry } from "./fold-entry.ts";
import { testEntry, testId, testStoreId } from "./log.fixtures.ts";
import { emptyLogState, type LogState } from "./log-state.ts";
import { NeededPacks } from "./needed-packs.ts";
import { countRows, resolvePacks, resolveRow, rowsOf } from "./resolve-row.ts";

const pack = (name: string): PackId => testId("pack", name);

/** A pack as `relocate` names it; only the number of its rows matters here. */
function placed(name: string, rows: number) {
  const table = encodePackTable(
    Array.from({ length: rows }, (_each, row) => ({
      segmentId: new Uint8Array(24).fill(row),
      sessionId: new Uint8Array(16),
      segmentOffset: 48 + row,
      segmentBytes: 1,
      directoryOffset: 48 + rows + row,
      directoryBytes: 1,
    })),
  );
  return { packId: pack(name), kind: "data", sizeBytes: 48 + 2 * rows + 96 + table.byteLength + 48, table } as const;
}

function bits(rows: readonly number[]): Uint8Array {
  const bitmap = new Uint8Array(Math.max(...rows, 0) / 8 + 1);
  for (const row of rows) bitmap[row >>> 3] = (bitmap[row >>> 3] ?? 0) | (1 << (row & 7));
  return bitmap;
}

function move(from: Readonly<Record<string, readonly number[]>>, to: Readonly<Record<string, number>>): LogEvent {
  return {
    type: "relocate",
    from: Object.entries(from).map(([name, rows]) => ({ packId: pack(name), segments: bits(rows) })),
    to: Object.entries(to).map(([name, rows]) => placed(name, rows)),
  };
}

function fold(...entries: readonly (readonly LogEvent[])[]): LogState {
  return entries.reduce(
    (state: LogState, events) => foldEntry(state, testEntry(state, events)),
    emptyLogState(testStoreId),
  );
}

describe("resolveRow", () => {
  it("leaves a row where it is that no relocation names", () => {
    const state = fold([move({ a: [1] }, { n: 1 })]);
    expect(resolveRow(state, pack("b"), 1)).toEqual({ packId: pack("b"), row: 1 });
    expect(resolveRow(state, pack("a"), 0)).toEqual({ packId: pack("a"), row: 0 });
    expect(resolveRow(state, pack("a"), 100)).toEqual({ packId: pack("a"), row: 100 });
  });

  it("follows rows over several packs, and over relocations of relocated packs", () => {
    const state = fold([move({ a: [0, 9], b: [3] }, { m: 2, n: 1 })], [move({ m: [1], n: [0] }, { o: 2 })]);
    expect(resolveRow(state, pack("a"), 0)).toEqual({ packId: pack("m"), row: 0 });
    expect(resolveRow(state, pack("a"), 9)).toEqual({ packId: pack("o"), row: 0 });
    expect(resolveRow(state, pack("b"), 3)).toEqual({ packId: pack("o"), row: 1 });
    const references = [{ packId: pack("a"), segments: bits([0, 1, 9]) }];
    expect(new Set(resolvePacks(state, references))).toEqual(new Set(["a", "m", "o"].map((each) => pack(each))));
  });

  it("leads to a swept pack where the last copy was swept", () => {
    const swept: LogEvent = { type: "sweep", packs: [pack("n")], states: [] };
    const state = fold([move({ a: [0] }, { n: 1 })], [{ type: "condemn", packs: [pack("n")] }, swept]);
    expect(resolveRow(state, pack("a"), 0).packId).toBe(pack("n"));
    expect(state.placed.has(pack("n"))).toBe(false);
    expect(state.relocated.has(pack("a"))).toBe(true);
  });

  it("forgets relocations when nothing is left of what they moved, a thousand entries after, and leads to what was swept all the same", () => {
    const sweep = (...names: string[]): LogEvent[] => {
      const packs = names.map((each) => pack(each));
      return [
        { type: "condemn", packs },
        { type: "sweep", packs, states: [] },
      ];
    };
    const moves = [[move({ a: [0, 1], b: [0] }, { m: 3 })], [move({ m: [1] }, { n: 1 })], sweep("a", "b", "m")];
    const before = fold(...moves, sweep("n"));
    const quiet = (count: number): LogEvent[][] =>
      Array.from({ length: count }, () => [{ type: "settings", graceMs: 1 }]);
    const names = (state: LogState) => ["a", "b", "m"].filter((each) => state.relocated.has(pack(each)));
    // Entries: two moves, two sweeps; the last of them is entry 4, and entry 1028 the first that lets go.
    expect(names(fold(...moves, sweep("n"), ...quiet(1022), sweep("x")))).toEqual(["a", "b", "m"]);
    const after = fold(...moves, sweep("n"), ...quiet(1023), sweep("x"));
    expect(names(after)).toEqual([]);
    expect(names(fold(...moves, ...quiet(2000), sweep("x")))).toEqual(["a", "b", "m"]); // n is left
    for (const [name, row] of [
      ["a", 0],
      ["a", 1],
      ["b", 0],
      ["m", 1],
    ] as const) {
      expect(after.swept.has(resolveRow(after, pack(name), row).packId)).toBe(true);
      expect(before.swept.has(resolveRow(before, pack(name), row).packId)).toBe(true);
    }
  });

  it("says so when relocations go in a circle, which no log can make", () => {
    const circle = {
      seq: 1,
      segments: Uint8Array.of(1),
      runs: [{ packId: pack("a"), firstRow: 0, rows: 1 }],
    };
    const relocated = IdMap.empty<PackId, typeof circle>().with(pack("a"), circle);
    expect(() => resolveRow({ relocated }, pack("a"), 0)).toThrow(/circle/);
  });

  it("agrees with a list of all rows, for random packs and runs", () => {
    const rowsOfPack = fc.uniqueArray(fc.nat(40), { minLength: 1, maxLength: 12 }).map((rows) => rows.sort(byNumber));
    fc.assert(
      fc.property(fc.array(rowsOfPack, { minLength: 1, maxLength: 4 }), fc.infiniteStream(fc.nat(4)), (from, sizes) => {
        const moved = from.flatMap((rows, index) => rows.map((row) => [`p${index}`, row] as const));
        const to: Record<string, number> = {};
        const places: (readonly [string, number])[] = [];
        for (let left = moved.length, number = 0; left > 0; number++) {
          const rows = Math.min(left, 1 + (sizes.next().value ?? 0));
          to[`n${number}`] = rows;
          for (let row = 0; row < rows; row++) places.push([`n${number}`, row]);
          left -= rows;
        }
        const state = fold([move(Object.fromEntries(from.map((rows, index) => [`p${index}`, rows])), to)]);
        for (const [index, [name, row]] of moved.entries()) {
          const [packName = "", at] = places[index] ?? [];
          expect(resolveRow(state, pack(name), row)).toEqual({ packId: pack(packName), row: at });
        }
      }),
    );
  });
});

function byNumber(left: number, right: number): number {
  return left - right;
}

describe("a bitmap of rows", () => {
  it("gives its rows in order, and their number", () => {
    fc.assert(
      fc.property(fc.uniqueArray(fc.nat(100), { minLength: 1 }), (rows) => {
        expect([...rowsOf(bits(rows))]).toEqual([...rows].sort(byNumber));
        expect(countRows(bits(rows))).toBe(rows.length);
      }),
    );
  });
});

describe("NeededPacks", () => {
  const [one, two] = ["one", "two"].map((each) => testId("state", each)) as [never, never];

  it("counts what any added snapshot needs, after all relocations", () => {
    const needed = new NeededPacks();
    needed.add(one, [{ packId: pack("a"), segments: bits([0]) }]);
    needed.add(two, [
      { packId: pack("a"), segments: bits([1, 20]) },
      { packId: pack("b"), segments: bits([2]) },
    ]);
    const before = needed.facts(fold());
    expect(["a", "b", "n"].map((each) => before.isNeeded(pack(each)))).toEqual([true, true, false]);
    const partly = needed.facts(fold([move({ a: [0, 20], b: [2] }, { n: 3 })]));
    expect(["a", "b", "n"].map((each) => partly.isNeeded(pack(each)))).toEqual([true, false, true]);
    const wholly = needed.facts(fold([move({ a: [0, 1, 20] }, { n: 3 })], [move({ n: [0, 1, 2] }, { o: 3 })]));
    expect(["a", "b", "n", "o"].map((each) => wholly.isNeeded(pack(each)))).toEqual([false, true, false, true]);
  });

  it("does not need the new copy of what nobody references", () => {
    const needed = new NeededPacks();
    needed.add(one, [{ packId: pack("a"), segments: bits([0]) }]);
    const facts = needed.facts(fold([move({ a: [1] }, { n: 1 })]));
    expect(facts.isNeeded(pack("n"))).toBe(false);
    expect(facts.isNeeded(pack("a"))).toBe(true);
  });

  it("knows whom it counted", () => {
    const needed = new NeededPacks();
    needed.add(one, []);
    expect([needed.covers(one), needed.covers(two)]).toEqual([true, false]);
    expect(needed.facts(fold()).covers(one)).toBe(true);
  });
});
