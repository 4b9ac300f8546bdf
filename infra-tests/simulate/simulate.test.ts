import { spawnSync } from "node:child_process";
import { describe, expect, it } from "vitest";
import { mutants } from "./mutants.ts";

const program = new URL("./simulate.ts", import.meta.url).pathname;

type Told = {
  readonly seed: number;
  readonly steps: number;
  readonly violation?: string;
  readonly traceSha256: string;
  readonly counts: Readonly<Record<string, number>>;
  readonly lastLines: readonly string[];
};

/** Lets worlds happen in a process of their own, where the stand-ins are installed. */
function worlds(...options: readonly string[]): { readonly status: number | null; readonly told: readonly Told[] } {
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    ["--disable-warning=ExperimentalWarning", program, "--json", ...options],
    { encoding: "utf8", maxBuffer: 1 << 28 },
  );
  if (stderr !== "") throw new Error(stderr);
  const told = stdout
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line) as Told);
  return { status, told };
}

describe("the simulator", () => {
  it("finds no broken promise in a few thousand steps", () => {
    const { status, told } = worlds("--seeds", "4", "--seed", "1", "--steps", "700");
    expect(
      told.map(({ seed, violation, lastLines }) => (violation === undefined ? seed : { seed, violation, lastLines })),
    ).toEqual([1, 2, 3, 4]);
    expect(status).toBe(0);
    expect(told.reduce((sum, each) => sum + each.steps, 0)).toBeGreaterThan(2800);
    const counted = new Set(told.flatMap((each) => Object.keys(each.counts)));
    for (const what of [
      "Agent done",
      "Agent crashed",
      "swept",
      "compacted",
      "checkpoints",
      "restored and compared",
      "repaired and compared",
    ])
      expect(counted).toContain(what);
  });

  it("makes the same world of the same seed, to the byte", () => {
    const hashes = (seeds: number, seed: number): readonly string[] =>
      worlds("--seeds", String(seeds), "--seed", String(seed), "--steps", "200").told.map((each) => each.traceSha256);
    const [, , third] = hashes(3, 7);
    const [alone] = hashes(1, 9);
    const [another] = hashes(1, 10);
    expect(alone).toBe(third);
    expect(another).not.toBe(alone);
  });

  it.each([
    "deletes-before-the-entry",
    "relocates-wrong-rows",
    "condemns-by-an-old-look",
    "commit-does-not-revive",
    "forgets-what-was-replaced",
    "sweeps-by-one-clock",
    "waits-for-ever",
  ])("notices a program that %s", (name) => {
    const { status, told } = worlds("--seeds", "40", "--seed", "1", "--mutant", name);
    expect(told.at(-1)?.violation).toMatch(mutants[name]?.broken ?? /^$/);
    expect(status).toBe(1);
  });
});
