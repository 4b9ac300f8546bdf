import { describe, expect, it } from "vitest";
import { excludePatternProblem } from "./exclude-pattern-problem.ts";

describe("excludePatternProblem", () => {
  it("finds nothing wrong with patterns, comments and blank lines", () => {
    const right = [
      "*.o",
      "/a/**/b/",
      "!keep",
      "[abc]",
      "[!a-z]",
      "[^]]",
      "[]a]",
      "[a-]",
      "\\[x",
      "[[:alpha:]_]",
      "[\\]]",
    ];
    for (const line of [...right, "", "   ", "# [", "\\#[a]", "a\\ ", "[a-z-9]", "[[:]", "[[a]"])
      expect(excludePatternProblem(line), line).toBeUndefined();
  });

  it("names what can never match", () => {
    expect(excludePatternProblem("[")).toMatch(/has no "\]"/);
    expect(excludePatternProblem("a/[bc")).toMatch(/has no "\]"/);
    expect(excludePatternProblem("![]")).toMatch(/has no "\]"/);
    expect(excludePatternProblem("[!]")).toMatch(/has no "\]"/);
    expect(excludePatternProblem("[a\\]")).toMatch(/has no "\]"/);
    expect(excludePatternProblem("[[:foo:]]")).toMatch(/no class \[:foo:\]/);
    expect(excludePatternProblem("[z-a]")).toMatch(/z-a is the wrong way round/);
    expect(excludePatternProblem("a\\")).toMatch(/backslash/);
  });
});
