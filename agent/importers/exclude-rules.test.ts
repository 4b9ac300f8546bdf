import { describe, expect, it } from "vitest";
import { excludeRules } from "./exclude-rules.ts";

/** Paths among `paths` that are left out; a path that ends in a slash is a directory. */
function leftOut(lines: readonly string[], paths: readonly string[]): string[] {
  const rules = excludeRules(numbered(lines), new Set());
  return paths.filter(
    (path) => (path.endsWith("/") ? rules?.(path.slice(0, -1), true) : rules?.(path, false)) === true,
  );
}

function numbered(lines: readonly string[]): { line: string; number: number }[] {
  return lines.map((line, number) => ({ line, number }));
}

/** Numbers of the lines that match one of the paths. */
function matchedLines(lines: readonly string[], paths: readonly string[]): number[] {
  const matched = new Set<number>();
  const rules = excludeRules(numbered(lines), matched);
  for (const path of paths) rules?.(path.replace(/\/$/, ""), path.endsWith("/"));
  return [...matched].sort();
}

describe("excludeRules", () => {
  it("is nothing without lines, and leaves nothing out for empty lines and comments", () => {
    expect(excludeRules([], new Set())).toBeUndefined();
    expect(leftOut(["", "# comment", "   "], ["a", "# comment", " "])).toEqual([]);
  });

  it("leaves a name out anywhere, and with a slash at its front at the root only", () => {
    expect(leftOut(["core"], ["core", "a/core", "core.c", "a/core/b"])).toEqual(["core", "a/core", "a/core/b"]);
    expect(leftOut(["/core"], ["core", "a/core"])).toEqual(["core"]);
    expect(leftOut(["a/b"], ["a/b", "c/a/b"])).toEqual(["a/b"]);
  });

  it("tells directories from files", () => {
    expect(leftOut(["cache/"], ["cache", "cache/", "a/cache/", "a/cache"])).toEqual(["cache/", "a/cache/"]);
  });

  it("knows stars, question marks, sets and double stars", () => {
    expect(leftOut(["*.o"], ["a.o", "d/b.o", "a.ob"])).toEqual(["a.o", "d/b.o"]);
    expect(leftOut(["a?c", "[xy]1"], ["abc", "ac", "x1", "z1"])).toEqual(["abc", "x1"]);
    expect(leftOut(["**/deep", "top/**"], ["deep", "a/b/deep", "top/", "top/x/y"])).toEqual([
      "deep",
      "a/b/deep",
      "top/x/y",
    ]);
    expect(leftOut(["a/**/z"], ["a/z", "a/b/z", "a/b/c/z", "z"])).toEqual(["a/z", "a/b/z", "a/b/c/z"]);
  });

  it("lets later lines win", () => {
    expect(leftOut(["*.log", "!keep.log"], ["a.log", "keep.log"])).toEqual(["a.log"]);
    expect(leftOut(["!keep.log", "*.log"], ["keep.log"])).toEqual(["keep.log"]);
  });

  it("tells upper from lower case", () => {
    expect(leftOut(["core", "*.LOG"], ["Core", "CORE", "core", "a.log", "a.LOG"])).toEqual(["core", "a.LOG"]);
  });

  it("takes names of any bytes, and escaped ones", () => {
    expect(leftOut(["\xff\xfe*"], ["\xff\xfe\x01", "\xff", "a\xff\xfe"])).toEqual(["\xff\xfe\x01"]);
    expect(leftOut(["\\#a", "\\!b", "c\\ "], ["#a", "!b", "c ", "c"])).toEqual(["#a", "!b", "c "]);
    expect(leftOut(["a*"], ["a\nb", "..a", "...", "a b"])).toEqual(["a\nb", "a b"]);
  });

  it("tells which lines matched something, also where another line decides", () => {
    expect(matchedLines(["*.o", "cache/", "nowhere"], ["a.o", "b", "cache/"])).toEqual([0, 1]);
    expect(matchedLines(["*.o", "a.o", "A.o"], ["a.o"])).toEqual([0, 1]);
    expect(matchedLines(["*.log", "!keep.log", "!other.log"], ["a.log", "keep.log"])).toEqual([0, 1]);
    expect(matchedLines(["cache/"], ["cache"])).toEqual([]);
    expect(matchedLines(["*.o", "*.o", "# x", ""], ["a.o"])).toEqual([0, 1]);
  });
});
