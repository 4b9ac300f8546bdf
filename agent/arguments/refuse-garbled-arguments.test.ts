import { expect, test } from "vitest";
import { refuseGarbledArguments } from "./refuse-garbled-arguments.ts";

/** The bytes of a command line; one char is a byte. */
const line =
  (...words: string[]) =>
  () =>
    Buffer.from(words.map((word) => `${word}\0`).join(""), "latin1");
const real = "\xef\xbf\xbd";

test("an argument that is not UTF-8 is refused, and shown so that no terminal obeys it", () => {
  const commandLine = line("node", "holdfast.js", "at", "/x", "backup", "a\x1b\xff\xfeb");
  expect(() => refuseGarbledArguments(["at", "/x", "backup", "a\x1b\ufffd\ufffdb"], commandLine)).toThrow(
    expect.objectContaining({
      kind: "invalid",
      message: String.raw`Cannot use the argument "a\x1b\xff\xfeb": it is not UTF-8`,
    }),
  );
});

test("the sequences that are cut off, too, whatever the decoder made of them", () => {
  for (const arg of ["\ufffd", "\ufffd\ufffd", "\ufffd\ufffd\ufffd"])
    expect(() => refuseGarbledArguments([arg], line("node", "\xf0\x9f\x92"))).toThrow("is not UTF-8");
});

test.each([
  ["U+FFFD itself", ["a\ufffd"], line("node", `a${real}`)],
  ["text", ["caf\u00e9"], line("node", "caf\xc3\xa9")],
  ["an empty argument beside it", ["", "\ufffd", ""], line("node", "", real, "")],
  ["what Node took for itself", ["\ufffd"], line("node", "--title=\xff", real)],
  ["a line of other words", ["a\ufffd"], line("node", "b\xff")],
  ["a line that is shorter", ["a", "b\ufffd"], line("b\xff")],
  ["a system that does not tell", ["a\ufffd"], () => undefined],
])("%s is let through", (_, args, commandLine) => {
  refuseGarbledArguments(args, commandLine);
});
