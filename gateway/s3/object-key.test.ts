import { isUtf8 } from "node:buffer";
import fc from "fast-check";
import { expect, it } from "vitest";
import { decodeKey, encodeKey, firstOddByte } from "./object-key.ts";

const bytes = (text: string): string => Buffer.from(text, "utf8").toString("latin1");
const anyName = fc.oneof(
  fc.uint8Array({ maxLength: 12 }).map((name) => Buffer.from(name).toString("latin1")),
  fc
    .array(
      fc.constantFrom(
        "\xf4",
        "\x8f",
        "\xbe",
        "\xbf",
        "\x80",
        "\xff",
        "a",
        bytes("ä"),
        bytes("\u{10ffff}"),
        bytes("\u{10ff7f}"),
      ),
    )
    .map((all) => all.join("")),
);

it("each name has a key of its own, in UTF-8, that leads back to it", () => {
  fc.assert(
    fc.property(anyName, (name) => {
      const key = encodeKey(name);
      expect(isUtf8(Buffer.from(key, "latin1"))).toBe(true);
      expect(decodeKey(key)).toBe(name);
      expect(firstOddByte(name) === undefined).toBe(key === name);
    }),
  );
});

it("a text that is the key of no name is told", () => {
  fc.assert(
    fc.property(anyName, (text) => {
      const name = decodeKey(text);
      if (name !== undefined) expect(encodeKey(name)).toBe(text);
    }),
  );
  expect(decodeKey(bytes("\u{10ffe4}"))).toBe("\xe4");
  expect(decodeKey("\xe4")).toBeUndefined();
  expect(decodeKey(bytes("\u{10ffc3}\u{10ffa4}"))).toBeUndefined();
});

it("names in UTF-8 are their own keys", () => {
  for (const name of ["plain", "\x01\x7f", bytes("äöü"), bytes("日本"), bytes("😀"), bytes("\u{10ff7f}")])
    expect(encodeKey(name)).toBe(name);
  expect(encodeKey("caf\xe9")).toBe(bytes("caf\u{10ffe9}"));
});
