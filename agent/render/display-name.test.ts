import * as fc from "fast-check";
import { expect, test } from "vitest";
import { displayName, displayText, parseDisplayName, utf8Name } from "./display-name.ts";

const bytes = (text: string) => Buffer.from(text, "utf8").toString("latin1");

test("displayName shows valid UTF-8 as it is", () => {
  expect(displayName(bytes("straße/日本語/emoji 🎉.txt"))).toBe("straße/日本語/emoji 🎉.txt");
});

test.each([
  ["\xff\xfe", "\\xff\\xfe"],
  ["a\xc3", "a\\xc3"],
  ["\xc0\xaf", "\\xc0\\xaf"],
  ["\xed\xa0\x80", "\\xed\\xa0\\x80"],
  ["\xf4\x90\x80\x80", "\\xf4\\x90\\x80\\x80"],
  ["\x1b[31mred", "\\x1b[31mred"],
  ["two\nlines\r\t", "two\\nlines\\r\\t"],
  ["\x7f", "\\x7f"],
  [bytes("\u009b2J"), "\\u{9b}2J"],
  [bytes("gpj.\u202eexe"), "gpj.\\u{202e}exe"],
  [bytes("zero\u200bwidth"), "zero\\u{200b}width"],
  ["back\\slash", "back\\\\slash"],
])("displayName of %j is %s", (binary, shown) => {
  expect(displayName(binary)).toBe(shown);
});

test("parseDisplayName gives back the bytes of every name", () => {
  const name = fc.oneof(
    fc.uint8Array({ maxLength: 40 }).map((array) => Buffer.from(array).toString("latin1")),
    fc.string({ unit: "binary", maxLength: 20 }).map(bytes),
  );
  fc.assert(fc.property(name, (binary) => parseDisplayName(displayName(binary)) === binary));
});

test("displayName never lets a control or a direction mark through", () => {
  const name = fc.string({ unit: "binary", maxLength: 40 }).map(bytes);
  fc.assert(
    fc.property(name, (binary) => !/[\p{Cc}\u202a-\u202e\u2066-\u2069\u200e\u200f\u061c]/u.test(displayName(binary))),
  );
});

test("parseDisplayName leaves text that is no escape alone", () => {
  expect(parseDisplayName("C:\\dir\\qux")).toBe("C:\\dir\\qux");
});

test("displayText escapes controls and keeps the backslash", () => {
  expect(displayText("it's \\fine\x1b]0;title\x07")).toBe("it's \\fine\\x1b]0;title\\x07");
});

test("utf8Name tells names that are no UTF-8", () => {
  expect(utf8Name(bytes("ü"))).toBe("ü");
  expect(utf8Name("\xfc")).toBeUndefined();
});
