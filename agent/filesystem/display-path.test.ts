import { expect, test } from "vitest";
import { displayPath } from "./display-path.ts";

const binary = (text: string): string => Buffer.from(text).toString("latin1");

test.each([
  ["etc/passwd", "etc/passwd"],
  [binary("ünï/🗄️ x"), "ünï/🗄️ x"],
  ["a\xffb", "a\\xffb"],
  ["\xc3(", "\\xc3("],
  ["\xed\xa0\x80", "\\xed\\xa0\\x80"],
  ["\xf8", "\\xf8"],
  ["\xe2\x82", "\\xe2\\x82"],
  ["new\nline\ttab", "new\\nline\\ttab"],
  ["\x1b[31m\x7f", "\\x1b[31m\\x7f"],
  ["back\\slash", "back\\\\slash"],
  [binary("right\u202eleft"), "right\\xe2\\x80\\xaeleft"],
  [binary("\ufffd"), "\ufffd"],
])("displayPath shows %j as %j", (path, shown) => {
  expect(displayPath(path)).toBe(shown);
});
