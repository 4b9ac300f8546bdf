import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { indexPrefixBytes, indexRowBytes } from "#shared/format/index-section.ts";
import { BlobIndex } from "./blob-index.ts";
import { IndexRun } from "./index-run.ts";
import { mergeIndexRows } from "./merge-index-rows.ts";
import { sortIndexRows } from "./sort-index-rows.ts";

type Row = { readonly prefix: Uint8Array; readonly segment: number; readonly offset: number; readonly length: number };

const u32 = fc.integer({ min: 0, max: 2 ** 32 - 1 });

/** Prefixes that often share their first 4, 19 or all bytes, beside those at both ends of the range. */
const prefix = fc.oneof(
  fc.uint8Array({ minLength: indexPrefixBytes, maxLength: indexPrefixBytes }),
  fc
    .tuple(fc.constantFrom(0, 1, 0x7f, 0x80, 0xff), fc.constantFrom(4, 18, 19), fc.integer({ min: 0, max: 3 }))
    .map(([byte, at, other]) => {
      const bytes = new Uint8Array(indexPrefixBytes).fill(byte);
      bytes[at] = other;
      return bytes;
    }),
);
const row: fc.Arbitrary<Row> = fc.record({ prefix, segment: u32, offset: u32, length: u32 });
const rows = fc.oneof(fc.array(row, { maxLength: 3 }), fc.array(row, { maxLength: 120 }));

function encode(all: readonly Row[]): Uint8Array {
  const bytes = new Uint8Array(all.length * indexRowBytes);
  const view = new DataView(bytes.buffer);
  for (const [index, each] of all.entries()) {
    bytes.set(each.prefix, index * indexRowBytes);
    view.setUint32(index * indexRowBytes + 20, each.segment, true);
    view.setUint32(index * indexRowBytes + 24, each.offset, true);
    view.setUint32(index * indexRowBytes + 28, each.length, true);
  }
  return bytes;
}

const nameOf = (bytes: Uint8Array): string => Buffer.from(bytes.subarray(0, indexPrefixBytes)).toString("hex");

/** What a Map would hold that keeps the first of equal names. */
function twinOf(all: readonly Row[]): Map<string, Row> {
  const twin = new Map<string, Row>();
  for (const each of all) if (!twin.has(nameOf(each.prefix))) twin.set(nameOf(each.prefix), each);
  return twin;
}

const placeOf = (each: Row | undefined) =>
  each && { segment: each.segment, offsetBytes: each.offset, lengthBytes: each.length };

/** An id of 32 bytes that begins with a prefix, at an odd offset in more bytes. */
function idAt3(start: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(3 + 32 + 5).fill(0xaa);
  bytes.set(start, 3);
  return bytes;
}

describe("sortIndexRows", () => {
  it("sorts by prefix and keeps the first of equal ones, as a sorted Map does", () => {
    fc.assert(
      fc.property(rows, (all) => {
        const sorted = sortIndexRows(encode(all));
        const expected = [...twinOf(all)].sort(([left], [right]) => (left < right ? -1 : 1)).map(([, each]) => each);
        expect(Buffer.from(sorted)).toEqual(Buffer.from(encode(expected)));
        expect(sorted.buffer).toBeInstanceOf(SharedArrayBuffer);
        const odd = new Uint8Array(1 + all.length * indexRowBytes).subarray(1);
        odd.set(encode(all));
        expect(Buffer.from(sortIndexRows(odd))).toEqual(Buffer.from(sorted));
      }),
    );
  });
});

describe("mergeIndexRows", () => {
  it("merges any number of runs; of equal prefixes the row of the earliest run stays when copies are dropped", () => {
    fc.assert(
      fc.property(fc.array(rows, { maxLength: 9 }), (runs) => {
        const sorted = runs.map((run) => sortIndexRows(encode(run)));
        const merged = mergeIndexRows(sorted, { copies: "drop" });
        expect(Buffer.from(merged)).toEqual(Buffer.from(sortIndexRows(encode(runs.flat()))));
      }),
    );
  });

  it("keeps copies in the order of their runs when told so, as a stable sort does", () => {
    fc.assert(
      fc.property(fc.array(rows, { maxLength: 9 }), (runs) => {
        const merged = mergeIndexRows(
          runs.map((run) => sortIndexRows(encode(run))),
          { copies: "keep" },
        );
        const all = runs.flatMap((run) => [...twinOf(run).values()]);
        const expected = all.toSorted((left, right) => Buffer.compare(left.prefix, right.prefix));
        expect(Buffer.from(merged)).toEqual(Buffer.from(encode(expected)));
      }),
    );
  });
});

describe("BlobIndex", () => {
  it("finds what a Map finds, settled or not, and nothing else", () => {
    fc.assert(
      fc.property(fc.array(rows, { maxLength: 9 }), fc.array(prefix, { maxLength: 20 }), (runs, others) => {
        const index = new BlobIndex();
        for (const run of runs) index.addRun(sortIndexRows(encode(run)));
        // Of copies the latest comes first.
        const copies = runs.toReversed().flatMap((run) => [...twinOf(run).values()]);
        const twin = twinOf(copies);
        const asked = [...runs.flat().map((each) => each.prefix), ...others];
        const check = (of: BlobIndex): void => {
          for (const each of asked) {
            const expected = placeOf(twin.get(nameOf(each)));
            expect(of.find(idAt3(each), 3)).toEqual(expected);
            expect(of.findSegment(idAt3(each), 3)).toBe(expected?.segment ?? -1);
            const all = copies.filter((copy) => nameOf(copy.prefix) === nameOf(each));
            expect([...of.places(idAt3(each), 3)]).toEqual(all.map((copy) => placeOf(copy)));
          }
        };
        check(index);
        index.settle();
        check(index);
        const otherThread = new BlobIndex();
        for (const shared of index.runRows) otherThread.addRun(shared);
        check(otherThread);
      }),
    );
  });

  it("counts rows of all runs and is empty without any", () => {
    const index = new BlobIndex();
    index.addRun(new Uint8Array(0));
    index.settle();
    expect(index.count).toBe(0);
    expect(index.runRows).toEqual([]);
    expect(index.find(new Uint8Array(32))).toBeUndefined();
    expect(index.findSegment(new Uint8Array(32))).toBe(-1);
  });
});

describe("IndexRun", () => {
  it("finds every row of a large run, and none that is not there", () => {
    const count = 60_000;
    const all = new Uint8Array(count * indexRowBytes);
    let state = 12345;
    for (let at = 0; at < all.byteLength; at += 4) {
      state = (Math.imul(state, 1664525) + 1013904223) | 0;
      new DataView(all.buffer).setInt32(at, state, true);
    }
    const run = new IndexRun(sortIndexRows(all));
    expect(run.count).toBe(count);
    const missing = new Uint8Array(indexRowBytes);
    for (let at = 0; at < all.byteLength; at += indexRowBytes) {
      const found = run.find(all, at);
      if (found < 0 || run.segmentOf(found) !== new DataView(all.buffer).getUint32(at + 20, true))
        expect.fail(`row ${at / indexRowBytes}`);
      missing.set(all.subarray(at, at + indexRowBytes));
      missing[19] = (missing[19] ?? 0) ^ 1;
      if (run.find(missing, 0) >= 0) expect.fail(`a row like ${at / indexRowBytes}`);
    }
  });

  it("finds rows whose prefixes agree in all bits that its table looks at", () => {
    const all = Array.from({ length: 5000 }, (_each, number) => {
      const bytes = new Uint8Array(indexPrefixBytes).fill(0xff);
      new DataView(bytes.buffer).setUint32(16, number * 3);
      return { prefix: bytes, segment: number, offset: 0, length: 1 };
    });
    const run = new IndexRun(sortIndexRows(encode(all)));
    for (const each of all) expect(run.segmentOf(run.find(each.prefix, 0))).toBe(each.segment);
    expect(run.find(new Uint8Array(indexPrefixBytes).fill(0xfe), 0)).toBe(-1);
  });
});
