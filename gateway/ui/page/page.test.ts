import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { diffLines } from "./diff-lines.ts";
import { formatBytes, formatDuration, formatMode } from "./format.ts";
import { harmless } from "./harmless.ts";
import { languageOf } from "./language-of.ts";
import { linkTo, parentOf, routeOf } from "./router.ts";

/** The length of the longest common subsequence, by the textbook. */
function commonLines(a: readonly string[], b: readonly string[]): number {
  let above = Array.from({ length: b.length + 1 }, () => 0);
  for (const line of a) {
    const row = [0];
    for (const [j, other] of b.entries()) {
      row.push(line === other ? (above[j] ?? 0) + 1 : Math.max(above[j + 1] ?? 0, row[j] ?? 0));
    }
    above = row;
  }
  return above.at(-1) ?? 0;
}

describe("the difference of two texts", () => {
  const text = fc.array(fc.constantFrom("a", "b", "c", ""), { maxLength: 14 });
  it("gives both back, and has as many lines in common as can be", () => {
    fc.assert(
      fc.property(text, text, (a, b) => {
        const written = (lines: readonly string[]): string => lines.map((line) => `${line}\n`).join("");
        const found = diffLines(written(a), written(b));
        expect(found.filter((line) => line.kind !== "added").map((line) => line.text)).toEqual(a);
        expect(found.filter((line) => line.kind !== "removed").map((line) => line.text)).toEqual(b);
        expect(found.filter((line) => line.kind === "same")).toHaveLength(commonLines(a, b));
        for (const line of found) {
          if (line.left !== undefined) expect(a[line.left - 1]).toBe(line.text);
          if (line.right !== undefined) expect(b[line.right - 1]).toBe(line.text);
        }
      }),
    );
  });

  it("of texts that share nothing is all of both", () => {
    const lines = (prefix: string): string => Array.from({ length: 5000 }, (_, n) => `${prefix}${n}`).join("\n");
    const found = diffLines(lines("a"), lines("b"));
    expect(found).toHaveLength(10_000);
  });
});

describe("addresses", () => {
  it("go there and back, whatever the names", () => {
    const path = "/2026-11-20/a%20b/%FF%2541/%3Cimg%3E";
    const params = { left: "/x/%3F", q: encodeURIComponent("a=b&c?d#e") };
    const route = routeOf(linkTo("browse", path, params));
    expect([route.screen, route.path]).toEqual(["browse", path]);
    expect(Object.fromEntries(route.params)).toEqual(params);
    expect(routeOf("").screen).toBe("snapshots");
    expect(routeOf("#/browse")).toMatchObject({ screen: "browse", path: "/" });
    expect([parentOf("/a/b"), parentOf("/a"), parentOf("/")]).toEqual(["/a", "/", "/"]);
  });
});

describe("words for people", () => {
  it.each([
    [0, "0 bytes"],
    [1, "1 byte"],
    [999, "999 bytes"],
    [1000, "0.98 KiB"],
    [1536, "1.50 KiB"],
    [123 * 1024 ** 2, "123 MiB"],
    [5e15, "4.44 PiB"],
  ])("%d bytes are %s", (bytes, text) => expect(formatBytes(bytes)).toBe(text));
  it.each([
    [0o755, "rwxr-xr-x"],
    [0o4755, "rwsr-xr-x"],
    [0o1777, "rwxrwxrwt"],
    [0o2640, "rw-r-S---"],
  ])("mode %o is %s", (mode, text) => expect(formatMode(mode)).toBe(text));
  it("durations", () =>
    expect([12, 61_000, 7_300_000].map(formatDuration)).toEqual(["12 ms", "1 min 1 s", "2 h 1 min"]));
  it("shows what would hide or mislead", () => {
    expect(harmless("a\u{202e}b\u{1b}[31m\tc\r\u{200b}")).toBe("a⟨202e⟩b⟨1b⟩[31m\tc␍⟨200b⟩");
  });
  it("knows languages by names", () => {
    expect(["a.ts", "Makefile", "x.service", ".bashrc", "none", "a.HTML"].map(languageOf)).toEqual([
      "ts",
      "makefile",
      "ini",
      "bash",
      undefined,
      "xml",
    ]);
  });
});
