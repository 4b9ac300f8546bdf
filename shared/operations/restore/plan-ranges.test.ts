import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { sha256 } from "#shared/crypto/sha256.ts";
import { emptyEntry, entryTypes } from "#shared/format/entry.ts";
import { idFromBytes } from "#shared/format/ids.ts";
import { encodePackTable, packHeaderBytes } from "#shared/format/pack.ts";
import { SegmentTable } from "#shared/repository/segment-table.ts";
import type { Piece, PlannedFile } from "./content-window.ts";
import { ContentWindow } from "./content-window.ts";
import { mapToExtents } from "./map-to-extents.ts";
import { planRanges, splitRange } from "./plan-ranges.ts";

const gapMax = 128 * 1024;
const rangeMax = 4 * 1024 * 1024;
const piecesMax = 1024;

/** A table of packs, each given by the sealed lengths of its segments. */
function tableOf(packs: readonly (readonly number[])[]): SegmentTable {
  const table = new SegmentTable();
  for (const [number, lengths] of packs.entries()) {
    let segmentOffset = packHeaderBytes;
    const rows = lengths.map((segmentBytes) => {
      const row = {
        segmentId: new Uint8Array(24),
        sessionId: new Uint8Array(16),
        segmentOffset,
        segmentBytes,
        directoryOffset: 0,
        directoryBytes: 0,
      };
      segmentOffset += segmentBytes;
      return row;
    });
    const packId = idFromBytes("pack", sha256(Buffer.from(String(number))));
    table.addPack({ packId, kind: "data", sizeBytes: segmentOffset, table: encodePackTable(rows) });
  }
  return table;
}

const newFile = (): PlannedFile => ({
  path: "x",
  entry: emptyEntry("", "x", entryTypes.file),
  decision: "create",
  opened: undefined,
  remaining: 0,
  planned: false,
  failed: false,
});

const pieceIn = (segment: number, index: number): Piece => ({
  file: newFile(),
  segment,
  offsetBytes: index,
  lengthBytes: 1,
  ids: new Uint8Array(32),
  idAt: 0,
  contentOffset: index,
});

const length = fc.oneof(fc.integer({ min: 1, max: 300_000 }), fc.integer({ min: 1_000_000, max: 6_000_000 }));
const packs = fc.array(fc.array(length, { minLength: 1, maxLength: 12 }), { minLength: 1, maxLength: 5 });

describe("planRanges", () => {
  it("asks for each piece once, for whole segments of one pack, with short gaps and in bounded ranges", () => {
    fc.assert(
      fc.property(
        packs,
        fc.array(fc.integer({ min: -1, max: 40 }), { maxLength: 60 }),
        fc.boolean(),
        (lengths, wanted, many) => {
          const table = tableOf(lengths);
          const window = new ContentWindow();
          const pieces: Piece[] = [];
          for (const [index, segment] of wanted.entries()) {
            if (segment >= table.count) continue;
            for (let copy = 0; copy < (many && index % 7 === 0 ? 700 : 1); copy++)
              pieces.push(pieceIn(segment, pieces.length));
          }
          for (const piece of pieces) window.add(piece);
          const ranges = planRanges(window.take(), table);
          const planned = ranges.flatMap((range) => range.pieces);
          expect(planned.map((piece) => piece.contentOffset).sort((left, right) => left - right)).toEqual(
            pieces.map((_piece, index) => index),
          );
          for (const range of ranges) {
            expect(range.pieces.length).toBeLessThanOrEqual(piecesMax);
            const [first] = range.places;
            if (first === undefined) {
              expect(range.lengthBytes).toBe(0);
              for (const piece of range.pieces) expect(piece.segment).toBe(-1);
              continue;
            }
            const ordinals = range.places.map((place) => place.ordinal);
            expect(new Set(range.pieces.map((piece) => piece.segment))).toEqual(new Set(ordinals));
            expect(ordinals).toEqual([...new Set(ordinals)].sort((left, right) => left - right));
            // Pieces come in the order of the segments: the thread opens each once.
            const order = range.pieces.map((piece) => piece.segment);
            expect(order).toEqual([...order].sort((left, right) => left - right));
            let end = first.offsetBytes;
            for (const place of range.places) {
              expect(place.pack).toBe(first.pack);
              expect(place.offsetBytes - end).toBeGreaterThanOrEqual(0);
              expect(place.offsetBytes - end).toBeLessThanOrEqual(gapMax);
              end = place.offsetBytes + place.sealedBytes;
            }
            expect(range.lengthBytes).toBe(end - first.offsetBytes);
            expect(end).toBeLessThanOrEqual(first.pack.sizeBytes);
            if (range.places.length > 1) expect(range.lengthBytes).toBeLessThanOrEqual(rangeMax);
          }
        },
      ),
    );
  });

  it("makes one request of segments that lie side by side", () => {
    const table = tableOf([[1000, 1000, 1000, 1000]]);
    expect(
      planRanges(
        [0, 1, 2, 3].map((segment) => pieceIn(segment, segment)),
        table,
      ),
    ).toHaveLength(1);
  });
});

describe("splitRange", () => {
  it("asks for the same pieces segment by segment", () => {
    const table = tableOf([[1000, 2000, 3000]]);
    const [range] = planRanges(
      [0, 0, 1, 2, 2].map((segment, index) => pieceIn(segment, index)),
      table,
    );
    if (range === undefined) return expect.fail("no range");
    const split = splitRange(range);
    expect(split.map((each) => [each.lengthBytes, each.pieces.length])).toEqual([
      [1000, 2],
      [2000, 1],
      [3000, 2],
    ]);
    expect(split.flatMap((each) => each.pieces)).toEqual(range.pieces);
  });
});

describe("mapToExtents", () => {
  it("puts each byte of content where a byte by byte walk over the extents puts it", () => {
    const extents = fc
      .array(fc.record({ gap: fc.integer({ min: 1, max: 9 }), length: fc.integer({ min: 1, max: 9 }) }), {
        maxLength: 8,
      })
      .map((parts) => {
        let at = 0;
        return parts.flatMap(({ gap, length: bytes }) => {
          const offset = at + gap - 1;
          at = offset + bytes;
          return [offset, bytes];
        });
      });
    fc.assert(
      fc.property(extents, fc.nat({ max: 40 }), fc.nat({ max: 40 }), (all, from, lengthBytes) => {
        const walked: number[] = [];
        for (let index = 0; index < all.length; index += 2) {
          for (let byte = 0; byte < (all[index + 1] ?? 0); byte++) walked.push((all[index] ?? 0) + byte);
        }
        const part = walked.slice(from, from + lengthBytes);
        const mapped: number[] = [];
        const ranges = mapToExtents(all, from, lengthBytes);
        for (let index = 0; index < ranges.length; index += 3) {
          expect(ranges[index]).toBe(mapped.length);
          expect(ranges[index + 2]).toBeGreaterThan(0);
          for (let byte = 0; byte < (ranges[index + 2] ?? 0); byte++) mapped.push((ranges[index + 1] ?? 0) + byte);
        }
        expect(mapped).toEqual(part);
      }),
    );
  });
});
