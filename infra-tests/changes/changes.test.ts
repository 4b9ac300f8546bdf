import { randomInt } from "node:crypto";
import { expect, test } from "vitest";
import { runChanges } from "./run-changes.ts";

/** HOLDFAST_TEST_SEED repeats a run. */
const seed = Number(process.env["HOLDFAST_TEST_SEED"] ?? randomInt(2 ** 31));

test("whatever changes in a tree, the next snapshot of it is what it is then", { timeout: 600_000 }, async () => {
  process.stderr.write(`changes.test.ts: HOLDFAST_TEST_SEED=${seed}\n`);
  const { failures, compared } = await runChanges({
    seed,
    size: { directories: 250, files: 8000, filesInOne: 2000 },
    more: (rounds) => rounds < 9,
  });
  expect(failures).toEqual([]);
  expect(compared).toBeGreaterThan(20_000);
});

test("so it is in directories of thousands of entries that need no reading", { timeout: 600_000 }, async () => {
  process.stderr.write(`changes.test.ts: HOLDFAST_TEST_SEED=${seed}\n`);
  const { failures, compared } = await runChanges({
    seed,
    size: { directories: 3, files: 20, filesInOne: 0, unread: 2900 },
    more: (rounds) => rounds < 4,
  });
  expect(failures).toEqual([]);
  expect(compared).toBeGreaterThan(10_000);
});
