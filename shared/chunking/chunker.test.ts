import { randomBytes } from "node:crypto";
import { chacha20 } from "@noble/ciphers/chacha.js";
import * as fc from "fast-check";
import { expect, test } from "vitest";
import { defaultChunkSizes } from "./chunk-sizes.ts";
import type { ChunkSizes } from "./chunk-sizes.ts";
import { createChunker } from "./chunker.ts";
import type { Chunker } from "./chunker.ts";
import { cutPointPortable } from "./cut-point-portable.ts";
import { gearTable } from "./gear-table.ts";

const chunkKey = new Uint8Array(32).fill(3);
const small: ChunkSizes = { minBytes: 64, avgBytes: 256, maxBytes: 1024 };
const chunker = createChunker({ chunkKey, ...small, windowBytes: 128 * 1024 });

/** Unpredictable-looking bytes that are the same every time. */
const noise = (seed: number, length: number): Uint8Array<ArrayBuffer> =>
  new Uint8Array(chacha20(new Uint8Array(32).fill(seed), new Uint8Array(12), new Uint8Array(length)));

/** Content of all sorts: noise, runs of one byte, few different bytes. */
const content = fc
  .array(
    fc.oneof(
      fc
        .record({ seed: fc.integer({ min: 0, max: 255 }), length: fc.integer({ min: 0, max: 9000 }) })
        .map(({ seed, length }) => noise(seed, length)),
      fc
        .record({ byte: fc.integer({ min: 0, max: 255 }), length: fc.integer({ min: 0, max: 5000 }) })
        .map(({ byte, length }) => new Uint8Array(length).fill(byte)),
      fc.uint8Array({ maxLength: 300 }).map((bytes) => bytes.map((byte) => byte & 3)),
    ),
    { maxLength: 6 },
  )
  .map((parts) => new Uint8Array(Buffer.concat(parts)));

const cutAll = (data: Uint8Array, by: Chunker = chunker): number[] => by.cutPoints(data, true);

const cutAllPortably = (data: Uint8Array, key: Uint8Array, sizes: ChunkSizes): number[] => {
  const table = gearTable(key);
  const lengths: number[] = [];
  for (let start = 0; start < data.length;) {
    const length = cutPointPortable(table, data.subarray(start, start + sizes.maxBytes), sizes);
    lengths.push(length);
    start += length;
  }
  return lengths;
};

/** Chunks `data` as a reader does that gets it in pieces of the given sizes, over and over. */
const cutInPieces = (data: Uint8Array, pieces: readonly number[]): number[] => {
  const lengths: number[] = [];
  let start = 0;
  let end = 0;
  for (let i = 0; end < data.length; i += 1) {
    end = Math.min(data.length, end + (pieces[i % pieces.length] ?? 1));
    for (const length of chunker.cutPoints(data.subarray(start, end), end === data.length)) {
      lengths.push(length);
      start += length;
    }
  }
  return lengths;
};

const ends = (lengths: readonly number[]): number[] => {
  let end = 0;
  return lengths.map((length) => (end += length));
};

test("the chunks add up to the content and keep within the bounds", () => {
  fc.assert(
    fc.property(content, (data) => {
      const lengths = cutAll(data);
      expect(lengths.reduce((sum, length) => sum + length, 0)).toBe(data.length);
      for (const [i, length] of lengths.entries()) {
        expect(length).toBeLessThanOrEqual(small.maxBytes);
        expect(length).toBeGreaterThanOrEqual(i === lengths.length - 1 ? 1 : small.minBytes);
      }
    }),
  );
});

test("the kernel cuts where the portable twin does, for content of any kind and sizes of any proportion", () => {
  const sizes = fc
    .record({
      log: fc.integer({ min: 6, max: 10 }),
      min: fc.integer({ min: 64, max: 1024 }),
      more: fc.integer({ min: 0, max: 3000 }),
    })
    .map(({ log, min, more }) => ({
      minBytes: Math.min(min, 2 ** log),
      avgBytes: 2 ** log,
      maxBytes: 2 ** log + more,
    }));
  const keys = fc.uint8Array({ minLength: 32, maxLength: 32 });
  fc.assert(
    fc.property(content, sizes, keys, (data, chosen, key) => {
      const lengths = cutAll(data, createChunker({ chunkKey: key, ...chosen }));
      expect(lengths).toEqual(cutAllPortably(data, key, chosen));
    }),
    { numRuns: 60 },
  );
});

test("the kernel cuts where the portable twin does in chunks that span many blocks of the scan", () => {
  const sizes = { minBytes: 16 * 1024, avgBytes: 128 * 1024, maxBytes: 300_000 };
  for (const seed of [1, 2, 3]) {
    const data = noise(seed, 1_000_000);
    expect(cutAll(data, createChunker({ chunkKey, ...sizes }))).toEqual(cutAllPortably(data, chunkKey, sizes));
  }
});

test("the cut points do not depend on how the content is split into calls", () => {
  fc.assert(
    fc.property(
      content,
      fc.array(fc.integer({ min: 1, max: 5000 }), { minLength: 1, maxLength: 5 }),
      (data, pieces) => {
        expect(cutInPieces(data, pieces)).toEqual(cutAll(data));
      },
    ),
  );
});

test("fewer than maxBytes are left over by a call that is not final", () => {
  fc.assert(
    fc.property(content, (data) => {
      const lengths = chunker.cutPoints(data, false);
      expect(data.length - lengths.reduce((sum, length) => sum + length, 0)).toBeLessThan(small.maxBytes);
    }),
  );
});

test("bytes in the window are cut like bytes anywhere else, from any place in it", () => {
  fc.assert(
    fc.property(content, fc.integer({ min: 0, max: 100 }), (data, offset) => {
      chunker.window.set(data, offset);
      expect(cutAll(chunker.window.subarray(offset, offset + data.length))).toEqual(cutAll(data));
      expect(chunker.window.subarray(offset, offset + data.length)).toEqual(data);
    }),
  );
});

test("after an insertion, a deletion or a change the cut points fall back to the old places", () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 0, max: 255 }),
      fc.integer({ min: 0, max: 99_999 }),
      fc.integer({ min: 0, max: 50 }),
      fc.uint8Array({ maxLength: 50 }),
      (seed, at, removed, inserted) => {
        const data = noise(seed, 200_000);
        const edited = new Uint8Array(Buffer.concat([data.subarray(0, at), inserted, data.subarray(at + removed)]));
        const before = new Set(ends(cutAll(data)).map((end) => end - data.length));
        const after = ends(cutAll(edited)).map((end) => end - edited.length);
        // Counted from the end: from 20 maximal chunks behind the edit on, all are shared.
        const settled = after.filter((end) => end + edited.length > at + inserted.length + 20 * small.maxBytes);
        expect(settled.length).toBeGreaterThan(100);
        expect(settled.filter((end) => !before.has(end))).toEqual([]);
      },
    ),
    { numRuns: 40 },
  );
});

test("another key cuts elsewhere", () => {
  const data = noise(9, 100_000);
  const other = createChunker({ chunkKey: new Uint8Array(32).fill(4), ...small });
  const here = new Set(ends(cutAll(data)));
  const shared = ends(cutAll(data, other)).filter((end) => here.has(end));
  expect(shared.length).toBeLessThan(here.size / 10);
});

test("empty content has no chunks, and content up to minBytes is one", () => {
  expect(cutAll(new Uint8Array())).toEqual([]);
  expect(chunker.cutPoints(new Uint8Array(), false)).toEqual([]);
  expect(cutAll(new Uint8Array(1))).toEqual([1]);
  expect(cutAll(new Uint8Array(64))).toEqual([64]);
  expect(chunker.cutPoints(new Uint8Array(64), false)).toEqual([]);
});

test("content of one byte repeated is cut at maxBytes", () => {
  expect(cutAll(new Uint8Array(2500))).toEqual([1024, 1024, 452]);
});

test("the mean chunk of noise lies near 1.1 times avgBytes with the sizes of a new store", () => {
  const standard = createChunker({ chunkKey: randomBytes(32), ...defaultChunkSizes });
  const data = noise(1, 48 * 1024 * 1024);
  const mean = data.length / standard.cutPoints(data, true).length;
  expect(mean / defaultChunkSizes.avgBytes).toBeGreaterThan(0.85);
  expect(mean / defaultChunkSizes.avgBytes).toBeLessThan(1.4);
});

test("the cut points of the format stay where they are", () => {
  const data = noise(7, 8 * 1024 * 1024);
  expect(cutAll(data, createChunker({ chunkKey, ...defaultChunkSizes }))).toMatchInlineSnapshot(`
    [
      591047,
      362559,
      547727,
      485868,
      670009,
      558033,
      797363,
      552146,
      554140,
      560368,
      582423,
      576951,
      604542,
      545257,
      400175,
    ]
  `);
});

test("createChunker refuses sizes that do not fit together and keys of another length", () => {
  const wrong: Partial<ChunkSizes>[] = [
    { minBytes: 63 },
    { minBytes: 257 },
    { avgBytes: 300 },
    { maxBytes: 255 },
    { maxBytes: 2 ** 30 },
    { minBytes: Number.NaN },
    { maxBytes: 1024.5 },
  ];
  for (const change of wrong) {
    expect(() => createChunker({ chunkKey, ...small, ...change }), JSON.stringify(change)).toThrow(
      /do not fit together/,
    );
  }
  expect(() => createChunker({ chunkKey: new Uint8Array(31), ...small })).toThrow(/must have 32/);
});
