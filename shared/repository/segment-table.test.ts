import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { idFromBytes } from "#shared/format/ids.ts";
import { encodePackTable, packHeaderBytes } from "#shared/format/pack.ts";
import { sha256 } from "#shared/crypto/sha256.ts";
import { SegmentReferences } from "./segment-references.ts";
import { SegmentTable } from "./segment-table.ts";

/** A pack by number, with segments of 10, 11, 12 … bytes. */
function packOf(number: number, segmentCount: number) {
  let segmentOffset = packHeaderBytes;
  const rows = Array.from({ length: segmentCount }, (_each, row) => {
    const segmentId = sha256(Buffer.from(`${number}/${row}`)).subarray(0, 24);
    const made = {
      segmentId,
      sessionId: new Uint8Array(16).fill(number),
      segmentOffset,
      segmentBytes: 10 + row,
      directoryOffset: 0,
      directoryBytes: 0,
    };
    segmentOffset += made.segmentBytes;
    return made;
  });
  const packId = idFromBytes("pack", sha256(Buffer.from(`pack ${number}`)));
  return { packId, kind: "data" as const, sizeBytes: segmentOffset, table: encodePackTable(rows), rows };
}

const packs = fc.array(
  fc.record({ number: fc.integer({ min: 0, max: 12 }), segments: fc.integer({ min: 0, max: 20 }) }),
  { maxLength: 20 },
);

describe("SegmentTable", () => {
  it("numbers the segments of all packs in the order in which packs came, a pack that came twice once", () => {
    fc.assert(
      fc.property(packs, (added) => {
        const table = new SegmentTable();
        const twin: { packId: string; row: number; offset: number; bytes: number; segmentId: Uint8Array }[] = [];
        const counts = new Map<number, number>();
        for (const { number, segments } of added) {
          const count = counts.get(number) ?? segments;
          const pack = packOf(number, count);
          const known = table.addPack(pack);
          expect(known.packId).toBe(pack.packId);
          if (!counts.has(number)) {
            expect(known.firstSegment).toBe(twin.length);
            for (const [row, each] of pack.rows.entries()) {
              twin.push({
                packId: pack.packId,
                row,
                offset: each.segmentOffset,
                bytes: each.segmentBytes,
                segmentId: each.segmentId,
              });
            }
          }
          counts.set(number, count);
        }
        expect(table.count).toBe(twin.length);
        expect(table.packs).toHaveLength(counts.size);
        for (const [ordinal, expected] of twin.entries()) {
          const place = table.place(ordinal);
          expect(place.pack.packId).toBe(expected.packId);
          expect(table.packOf(ordinal)).toBe(place.pack);
          expect(ordinal - place.pack.firstSegment).toBe(expected.row);
          expect([place.offsetBytes, place.sealedBytes]).toEqual([expected.offset, expected.bytes]);
          expect(place.segmentId).toEqual(expected.segmentId);
        }
        expect(() => table.place(twin.length)).toThrow("Cannot find segment");
        expect(() => table.place(-1)).toThrow("Cannot find segment");
      }),
      { numRuns: 50 },
    );
  });
});

describe("SegmentReferences", () => {
  it("names the packs with marked segments, and in each those rows", () => {
    fc.assert(
      fc.property(packs, fc.array(fc.nat({ max: 200 })), (added, marked) => {
        const table = new SegmentTable();
        for (const { number, segments } of added) table.addPack(packOf(number, segments));
        const references = new SegmentReferences();
        const wanted = marked.filter((ordinal) => ordinal < table.count);
        for (const ordinal of wanted) references.mark(ordinal);
        const found = new Set<number>();
        for (const { packId, segments } of references.ofTable(table)) {
          const pack = table.findPack(packId);
          if (pack === undefined) return expect.fail("a pack that is not there");
          expect(segments.byteLength).toBe(Math.ceil(pack.segmentCount / 8));
          for (let row = 0; row < segments.byteLength * 8; row++) {
            if (((segments[row >>> 3] ?? 0) & (1 << (row & 7))) !== 0) found.add(pack.firstSegment + row);
          }
        }
        expect(found).toEqual(new Set(wanted));
        for (let ordinal = 0; ordinal < table.count; ordinal++)
          expect(references.has(ordinal)).toBe(wanted.includes(ordinal));
      }),
      { numRuns: 50 },
    );
  });

  it("grows to the ordinals of millions of segments", () => {
    const references = new SegmentReferences();
    references.mark(5_000_000);
    expect(references.has(5_000_000)).toBe(true);
    expect(references.has(4_999_999)).toBe(false);
    expect(references.has(6_000_000)).toBe(false);
  });
});
