import { randomBytes } from "node:crypto";
import { constants as zstdParameters, zstdCompressSync } from "node:zlib";
import * as fc from "fast-check";
import { expect, test } from "vitest";
import { isHoldfastError } from "#shared/errors.ts";
import { compress, compressionLevels } from "./compress.ts";
import { decompress, decompressMaxBytes } from "./decompress.ts";
import { parseZstdFrame } from "./zstd-frame.ts";

const text = new Uint8Array(Buffer.from("the quick brown fox jumps over the lazy dog ".repeat(3000)));
const isCorrupt = (call: () => unknown): boolean => {
  try {
    call();
    return false;
  } catch (error) {
    return isHoldfastError(error, "corrupt");
  }
};

test("decompress gives back what compress was given, at any level", () => {
  fc.assert(
    fc.property(
      fc.oneof(
        fc.uint8Array({ maxLength: 3000 }),
        fc.integer({ min: 0, max: text.length }).map((length) => text.subarray(0, length)),
      ),
      fc.integer(compressionLevels),
      (data, level) => {
        expect(decompress(compress(data, level), data.length)).toEqual(new Uint8Array(data));
      },
    ),
  );
});

test("pieces of every size that changes the frame header survive", () => {
  for (const length of [0, 1, 255, 256, 257, 65_535, 65_791, 65_792, 65_793, 131_072, 1 << 20, 5_000_000]) {
    for (const data of [new Uint8Array(length), new Uint8Array(randomBytes(length))]) {
      expect(Buffer.compare(decompress(compress(data), length), data), `${length} bytes`).toBe(0);
    }
  }
});

test("a frame carries its content size and fills its buffer's view", () => {
  const frame = compress(text);
  expect(parseZstdFrame(frame)).toEqual({ frameBytes: frame.length, contentBytes: text.length });
  expect(frame.length).toBeLessThan(1000);
  expect(frame.buffer.byteLength).toBe(frame.length);
});

test("compress and decompress return buffers that nothing else uses", () => {
  for (const length of [1, 100, 5000, text.length]) {
    const frame = compress(text.subarray(0, length));
    expect(frame.byteOffset).toBe(0);
    const raw = decompress(frame, length);
    expect(raw.byteOffset).toBe(0);
    expect(raw.buffer.byteLength - length).toBeLessThan(65);
  }
});

test("decompress refuses another length than the true one", () => {
  const frame = compress(text);
  for (const length of [0, 1, text.length - 1, text.length + 1, text.length * 2, decompressMaxBytes]) {
    expect(
      isCorrupt(() => decompress(frame, length)),
      `${length}`,
    ).toBe(true);
  }
});

test("decompress refuses lengths that it would not allocate", () => {
  for (const length of [-1, 1.5, Number.NaN, decompressMaxBytes + 1]) {
    expect(() => decompress(compress(text), length)).toThrow(/the most is/);
  }
});

test("decompress refuses a tail, a second frame and a skippable frame, which Node alone would drop", () => {
  const frame = compress(text);
  const skippable = Buffer.from("502a4d180100000000", "hex");
  for (const tail of [new Uint8Array(1), frame, skippable]) {
    expect(isCorrupt(() => decompress(Buffer.concat([frame, tail]), text.length))).toBe(true);
  }
  expect(isCorrupt(() => decompress(Buffer.concat([skippable, frame]), text.length))).toBe(true);
});

test("decompress refuses a frame cut short anywhere", () => {
  const frame = compress(text);
  for (let length = 0; length < frame.length; length += 1) {
    expect(
      isCorrupt(() => decompress(frame.subarray(0, length), text.length)),
      `${length}`,
    ).toBe(true);
  }
});

test("decompress answers every flipped bit with an error of its own or with bytes of the right length", () => {
  const data = text.subarray(0, 2000);
  const frame = compress(data);
  for (let bit = 0; bit < frame.length * 8; bit += 1) {
    const damaged = frame.slice();
    damaged[bit >> 3] = (damaged[bit >> 3] ?? 0) ^ (1 << (bit & 7));
    try {
      expect(decompress(damaged, data.length)).toHaveLength(data.length);
    } catch (error) {
      expect(isHoldfastError(error, "corrupt"), `bit ${bit}`).toBe(true);
    }
  }
});

test("decompress refuses a frame that does not say its content's length", () => {
  const { ZSTD_c_contentSizeFlag: flag, ZSTD_c_compressionLevel: level } = zstdParameters;
  const frame = zstdCompressSync(text, { params: { [flag]: 0, [level]: 3 } });
  expect(parseZstdFrame(frame)?.contentBytes).toBe(undefined);
  expect(isCorrupt(() => decompress(frame, text.length))).toBe(true);
});

test("a small frame that claims little and expands to much is stopped at what it claims", () => {
  const bomb = compress(new Uint8Array(50_000_000));
  expect(bomb.length).toBeLessThan(10_000);
  // Single segment with a 4-byte content size: the header is made to claim 1000 bytes.
  const view = new DataView(bomb.buffer, bomb.byteOffset);
  const contentAt = (view.getUint8(4) & 0x20) === 0 ? 6 : 5;
  view.setUint32(contentAt, 1000, true);
  expect(parseZstdFrame(bomb)?.contentBytes).toBe(1000);
  expect(isCorrupt(() => decompress(bomb, 1000))).toBe(true);
});

test("parseZstdFrame measures frames with checksum, without content size and of many blocks", () => {
  const { ZSTD_c_checksumFlag: checksum, ZSTD_c_contentSizeFlag: size } = zstdParameters;
  fc.assert(
    fc.property(
      fc.integer({ min: 0, max: 600_000 }),
      fc.constantFrom(0, 1),
      fc.constantFrom(0, 1),
      (length, withChecksum, withSize) => {
        const data = Buffer.concat([text, randomBytes(200_000), new Uint8Array(400_000)]).subarray(0, length);
        const frame = zstdCompressSync(data, { params: { [checksum]: withChecksum, [size]: withSize } });
        expect(parseZstdFrame(Buffer.concat([frame, text]))?.frameBytes).toBe(frame.length);
      },
    ),
    { numRuns: 30 },
  );
});

test("parseZstdFrame does not throw on any bytes", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 40 }), (bytes) => {
      parseZstdFrame(bytes);
      parseZstdFrame(Buffer.concat([Buffer.from("28b52ffd", "hex"), bytes]));
    }),
  );
});
