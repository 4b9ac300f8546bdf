import { describe, expect, it } from "vitest";
import { showName } from "./show-name.ts";

const shown = (text: string): string => showName(Buffer.from(text, "utf8").toString("latin1"));

describe("a name that is shown", () => {
  it.each([
    "می\u200cخواهم.txt",
    "👨\u200d👩\u200d👧.txt",
    "क\u094d\u200dष",
    "👩🏽\u200d🚀",
    "❤\ufe0f\u200d🔥",
    "🏴\u{e0067}\u{e0062}\u{e007f}",
    "\u0601١٢",
  ])("keeps the joiners that shape it: %s", (name) => expect(shown(name)).toBe(name));

  it.each([
    ["pay\u200cpal", "pay\\u{200c}pal"],
    ["a\u200d", "a\\u{200d}"],
    ["م\u200c", "م\\u{200c}"],
    ["\u202egpj.exe", "\\u{202e}gpj.exe"],
    ["a\u200bb\u00adc\ufeff", "a\\u{200b}b\\u{ad}c\\u{feff}"],
    ["a\u{e0067}", "a\\u{e0067}"],
    ["line\nend", "line\\u{a}end"],
  ])("writes out what misleads: %j", (name, written) => expect(shown(name)).toBe(written));
});
