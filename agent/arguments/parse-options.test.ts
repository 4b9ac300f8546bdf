import { expect, test } from "vitest";
import { isHoldfastError } from "#shared/errors.ts";
import type { OptionRow } from "./option-row.ts";
import { parseOptions } from "./parse-options.ts";

const rows = [
  { name: "dry-run", short: "n", type: "flag", description: "" },
  { name: "long", short: "l", type: "flag", description: "" },
  { name: "tag", type: "text", value: "TAG", repeatable: true, description: "" },
  { name: "to", type: "text", value: "DIR", description: "" },
  { name: "overwrite", type: "text", value: "WHEN", choices: ["always", "never"], description: "" },
  { name: "latest", type: "count", value: "N", description: "" },
  { name: "chunk-min", type: "size", value: "SIZE", description: "" },
  { name: "grace", type: "duration", value: "TIME", description: "" },
  { name: "part", type: "percent", value: "P", description: "" },
] as const satisfies readonly OptionRow[];
const parse = (...args: string[]) => parseOptions(rows, args, "Run `holdfast help try`");

test("parseOptions reads every form", () => {
  const { values, positionals } = parse("-nl", "a", "--tag=x", "--tag", "y", "--to", "/d", "b", "--", "--tag");
  expect(values).toMatchObject({ "dry-run": true, long: true, tag: ["x", "y"], to: "/d" });
  expect(positionals).toEqual(["a", "b", "--tag"]);
});

test("parseOptions gives false, an empty list or undefined for what is not there", () => {
  expect(parse().values).toEqual({
    "dry-run": false,
    long: false,
    tag: [],
    to: undefined,
    overwrite: undefined,
    latest: undefined,
    "chunk-min": undefined,
    grace: undefined,
    part: undefined,
  });
});

test("parseOptions reads numbers with units", () => {
  expect(parse("--latest", "0", "--chunk-min=512KiB", "--grace", "2w", "--part=2.5%").values).toMatchObject({
    latest: 0,
    "chunk-min": 524_288,
    grace: 1_209_600_000,
    part: 2.5,
  });
});

test("parseOptions takes an empty value when it is written with =", () => {
  expect(parse("--to=").values.to).toBe("");
});

test.each([
  [["--tagg", "x"], "no such option"],
  [["--dry-run=yes"], "takes no value"],
  [["--to"], "a value is missing"],
  [["--to", "--long"], "looks like an option"],
  [["--to", "a", "--to", "b"], "twice"],
  [["--overwrite", "maybe"], "one of: always, never"],
  [["--latest", "-1"], "looks like an option"],
  [["--latest=1e3"], "whole number"],
  [["--chunk-min=1X"], "a size"],
  [["--chunk-min=999999999999T"], "a size"],
  [["--grace=5"], "a duration"],
  [["--part=0"], "above 0"],
  [["--part=101"], "above 0"],
  [["-x"], "no such option"],
])("parseOptions refuses %j", (args, message) => {
  expect(() => parse(...args)).toThrow(message);
});

test("parseOptions suggests the nearest option", () => {
  try {
    parse("--dryrun");
    expect.unreachable();
  } catch (error) {
    expect(isHoldfastError(error, "invalid") && error.hint).toBe("Did you mean --dry-run? Run `holdfast help try`");
  }
});
