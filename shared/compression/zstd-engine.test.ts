import { createZstdCompress } from "node:zlib";
import { expect, test } from "vitest";
import { compress } from "./compress.ts";
import { decompress } from "./decompress.ts";
import { ZstdCompressor } from "./zstd-compressor.ts";
import { ZstdDecompressor } from "./zstd-decompressor.ts";
import { zstdHandle } from "./zstd-handle.ts";

/** Bytes that do not compress, the same every time. */
function random(lengthBytes: number): Uint8Array {
  let state = 20261120;
  return Uint8Array.from({ length: lengthBytes }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state >>> 24;
  });
}

function samples(): Uint8Array[] {
  const text = new TextEncoder().encode("the quick brown fox jumps over the lazy dog, ".repeat(20_000));
  return [
    new Uint8Array(0),
    Uint8Array.of(7),
    new Uint8Array(300_000),
    random(200_000),
    text,
    text.subarray(5, 70_000),
  ];
}

test("Node lets one zstd engine serve many buffers", () => {
  expect(zstdHandle(createZstdCompress())).toBeDefined();
});

test("ZstdCompressor gives the frames of compress, one after another, at each level", () => {
  for (const level of [1, 3, 9]) {
    const compressor = new ZstdCompressor(level);
    for (const data of [...samples(), ...samples().toReversed()]) {
      const output = new Uint8Array(ZstdCompressor.room(data.length));
      const written = compressor.compressInto(data, output);
      expect(Buffer.compare(output.subarray(0, written), compress(data, level))).toBe(0);
    }
  }
});

test("ZstdCompressor refuses room that is too small", () => {
  expect(() => new ZstdCompressor(3).compressInto(random(1000), new Uint8Array(1000))).toThrow(/Cannot compress/);
});

test("ZstdDecompressor gives what went in, one frame after another", () => {
  const decompressor = new ZstdDecompressor();
  const output = new Uint8Array(1024 * 1024);
  for (const data of [...samples(), ...samples().toReversed()]) {
    decompressor.decompressInto(compress(data), data.length, output);
    expect(Buffer.compare(output.subarray(0, data.length), data)).toBe(0);
  }
});

test("ZstdDecompressor refuses every frame that decompress refuses, and reads the next one all the same", () => {
  const decompressor = new ZstdDecompressor();
  const data = new TextEncoder().encode("some words that compress, some words that compress, some more ".repeat(40));
  const frame = compress(data);
  const output = new Uint8Array(data.length);
  let refused = 0;
  for (let at = 0; at < frame.length; at++) {
    for (const flip of [1, 128]) {
      const damaged = frame.slice();
      damaged[at] = (damaged[at] ?? 0) ^ flip;
      const slow = outcome(() => decompress(damaged, data.length));
      const fast = outcome(() => {
        decompressor.decompressInto(damaged, data.length, output);
        return output.slice();
      });
      expect(fast, `byte ${at}`).toEqual(slow);
      if (slow === "refused") refused++;
      decompressor.decompressInto(frame, data.length, output);
      expect(Buffer.compare(output, data)).toBe(0);
    }
  }
  expect(refused).toBeGreaterThan(10);
  for (const [bytes, length] of [
    [frame.subarray(0, -1), data.length],
    [frame, data.length - 1],
    [frame, data.length + 1],
    [new Uint8Array(20), data.length],
  ] as const) {
    expect(() => decompressor.decompressInto(bytes, length, new Uint8Array(length))).toThrow(/Cannot decompress/);
  }
});

function outcome(work: () => Uint8Array): string {
  try {
    return Buffer.from(work()).toString("hex");
  } catch {
    return "refused";
  }
}
