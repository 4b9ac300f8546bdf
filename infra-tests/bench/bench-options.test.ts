import { expect, test } from "vitest";
import { parseBenchOptions } from "./bench-options.ts";

test("parseBenchOptions runs all phases three times by default", () => {
  expect(parseBenchOptions(["/usr/src"])).toMatchObject({
    directory: "/usr/src",
    rounds: 3,
    tools: undefined,
    phases: ["first", "unchanged", "changed", "restore", "check"],
  });
});

test("parseBenchOptions puts the wanted phases in the order in which they run", () => {
  expect(parseBenchOptions(["x", "--phases", "check,first"]).phases).toEqual(["first", "check"]);
});

test.each([
  [[], "exactly one directory"],
  [["a", "b"], "exactly one directory"],
  [["a", "--rounds", "0"], "--rounds 0"],
  [["a", "--rounds", "many"], "--rounds many"],
  [["a", "--phases", "first,second"], "no phase second"],
  [["a", "--wait", "long"], "--wait long"],
  [["a", "--fast"], "--fast"],
])("parseBenchOptions refuses %j", (args, words) => {
  expect(() => parseBenchOptions(args)).toThrow(words);
});
