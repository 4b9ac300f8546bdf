import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { isHoldfastError } from "#shared/errors.ts";
import { seeded, trial } from "#shared/format/properties.testing.ts";
import { ByteReader } from "./byte-reader.ts";
import { ByteWriter } from "./byte-writer.ts";
import { concatBytes } from "./concat-bytes.ts";
import { equalBytes } from "./equal-bytes.ts";
import { decodeHex, encodeHex } from "./hex.ts";

const integers = fc.oneof(fc.integer({ min: 0, max: 300 }), fc.integer({ min: 0, max: 2 ** 32 }), fc.maxSafeNat());

describe("varints", () => {
  test.each([
    [0, "00"],
    [127, "7f"],
    [128, "8001"],
    [300, "ac02"],
    [2 ** 31 - 1, "ffffffff07"],
    [2 ** 31, "8080808008"],
    [2 ** 32, "8080808010"],
    [Number.MAX_SAFE_INTEGER, "ffffffffffffff0f"],
  ])("%d is %s", (value, hex) => {
    const writer = new ByteWriter();
    writer.varint(value);
    expect(encodeHex(writer.view())).toBe(hex);
    expect(new ByteReader(decodeHex(hex), "x").varint()).toBe(value);
  });

  test.each([
    [0, "00"],
    [-1, "01"],
    [1, "02"],
    [-(2 ** 51), "ffffffffffffff07"],
    [2 ** 52 - 1, "feffffffffffff0f"],
    [-(2 ** 52), "ffffffffffffff0f"],
  ])("signed, %d is %s", (value, hex) => {
    const writer = new ByteWriter();
    writer.signedVarint(value);
    expect(encodeHex(writer.view())).toBe(hex);
    expect(new ByteReader(decodeHex(hex), "x").signedVarint()).toBe(value);
  });

  test.each([
    ["", "ends early"],
    ["80", "ends early"],
    ["8000", "shortest form"],
    ["ac8200", "shortest form"],
    ["8080808080808010", "above 2^53"],
    ["ffffffffffffffffffff01", "above 2^53"],
  ])("%j is refused: %s", (hex, reason) => {
    expect(() => new ByteReader(decodeHex(hex), "x").varint()).toThrow(reason);
  });
});

test(seeded("what is written is read"), () => {
  const part = fc.oneof(
    fc.tuple(fc.constant("u8" as const), fc.integer({ min: 0, max: 0xff })),
    fc.tuple(fc.constant("u16" as const), fc.integer({ min: 0, max: 0xffff })),
    fc.tuple(fc.constant("u32" as const), fc.integer({ min: 0, max: 0xffffffff })),
    fc.tuple(fc.constant("varint" as const), integers),
    fc.tuple(fc.constant("signedVarint" as const), fc.integer({ min: -(2 ** 52), max: 2 ** 52 - 1 })),
  );
  fc.assert(
    fc.property(fc.array(part, { maxLength: 40 }), fc.uint8Array({ maxLength: 50 }), (parts, tail) => {
      const writer = new ByteWriter(1);
      for (const [method, value] of parts) writer[method](value);
      writer.raw(tail);
      writer.latin1(Buffer.from(tail).toString("latin1"));
      expect(writer.length).toBe(writer.toBytes().byteLength);
      const reader = new ByteReader(writer.toBytes(), "x");
      for (const [method, value] of parts) expect(reader[method]()).toBe(value);
      expect(Buffer.from(reader.view(tail.byteLength))).toEqual(Buffer.from(tail));
      expect(reader.latin1(tail.byteLength)).toBe(Buffer.from(tail).toString("latin1"));
      reader.end();
      expect(reader.remaining).toBe(0);
    }),
    trial,
  );
});

test(seeded("a reader never goes past the end, and says so"), () => {
  const methods = fc.constantFrom(
    "u8" as const,
    "u16" as const,
    "u32" as const,
    "varint" as const,
    "signedVarint" as const,
  );
  fc.assert(
    fc.property(
      fc.uint8Array({ maxLength: 20 }),
      fc.array(methods, { minLength: 1, maxLength: 30 }),
      (bytes, calls) => {
        const reader = new ByteReader(bytes, "the thing");
        try {
          for (const method of calls) reader[method]();
        } catch (error) {
          expect(isHoldfastError(error, "corrupt") && error.message.startsWith("Cannot read the thing: ")).toBe(true);
        }
        expect(reader.offset).toBeLessThanOrEqual(bytes.byteLength);
        expect(() => reader.view(reader.remaining + 1)).toThrow("ends early");
        expect(() => reader.latin1(reader.remaining + 1)).toThrow("ends early");
      },
    ),
    trial,
  );
});

test("a reader of a part of a buffer sees that part only", () => {
  const reader = new ByteReader(Uint8Array.of(9, 9, 1, 2, 3, 4, 9).subarray(2, 6), "x");
  expect(reader.u32()).toBe(0x04030201);
  expect(() => reader.u8()).toThrow("ends early");
});

test("bytes left over are an error", () => {
  expect(() => new ByteReader(new Uint8Array(3), "x").end()).toThrow("3 bytes too many");
});

test("a reset writer begins anew and keeps nothing", () => {
  const writer = new ByteWriter();
  writer.u32(7);
  const copy = writer.toBytes();
  writer.reset();
  writer.u8(1);
  expect([...writer.view()]).toEqual([1]);
  expect([...copy]).toEqual([7, 0, 0, 0]);
});

test(seeded("hexadecimal goes there and back, and nothing else is hexadecimal"), () => {
  fc.assert(
    fc.property(fc.uint8Array(), (bytes) => {
      expect(Buffer.from(decodeHex(encodeHex(bytes)))).toEqual(Buffer.from(bytes));
      expect(encodeHex(decodeHex(encodeHex(bytes).toUpperCase()))).toBe(encodeHex(bytes));
    }),
    trial,
  );
  for (const text of ["0", "0g", " 00", "0x00", "00\n"]) expect(() => decodeHex(text)).toThrow("not hexadecimal");
});

test("bytes are joined and compared", () => {
  const joined = concatBytes(Uint8Array.of(1), new Uint8Array(0), Uint8Array.of(2, 3).subarray(1));
  expect([...joined]).toEqual([1, 3]);
  expect(equalBytes(joined, Uint8Array.of(1, 3))).toBe(true);
  expect(equalBytes(joined, Uint8Array.of(1, 3, 0))).toBe(false);
  expect(equalBytes(joined, Uint8Array.of(1, 4))).toBe(false);
});
