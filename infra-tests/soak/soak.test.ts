import { randomInt } from "node:crypto";
import { expect, test } from "vitest";
import { runSoak } from "./run-soak.ts";

/** HOLDFAST_TEST_SEED repeats a run, as far as the machine lets it. */
const seed = Number(process.env["HOLDFAST_TEST_SEED"] ?? randomInt(2 ** 31));

test(
  "processes that are killed at random leave a store of which every snapshot restores",
  { timeout: 300_000 },
  async () => {
    process.stderr.write(`soak.test.ts: HOLDFAST_TEST_SEED=${seed}\n`);
    const { failures, snapshots, counts } = await runSoak({
      kind: "directory",
      seconds: 10,
      seed,
      agents: 3,
      maintainers: 1,
      restorers: 1,
    });
    expect(failures).toEqual([]);
    expect(snapshots).toBeGreaterThanOrEqual(3);
    expect(counts["maintenance ended with 0"]).toBeGreaterThanOrEqual(3);
  },
);
