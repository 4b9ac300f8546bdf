import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { measure } from "./measure.ts";

const scratch = mkdtempSync(join(tmpdir(), "measure-"));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

// Holds 64 MiB and computes for a while.
const hungry = "const b = Buffer.alloc(64 << 20, 1); const end = Date.now() + 300; while (Date.now() < end) b[0]++;";
const options = (gnuTime: string | undefined) => ({ environment: {}, cwd: scratch, scratch, gnuTime });
const gnuTime = "/usr/bin/time";

const ways: readonly (string | undefined)[] = existsSync(gnuTime) ? [undefined, gnuTime] : [undefined];

describe.each(ways.map((time) => ({ time })))("measure by $time", ({ time }) => {
  test("tells wall time, CPU time and peak memory of a program", async () => {
    const cost = await measure({ program: process.execPath, args: ["-e", hungry] }, options(time));
    expect(cost.wallSeconds).toBeGreaterThan(0);
    expect(cost.peakRssBytes).toBeGreaterThan(64 << 20);
    expect(cost.userSeconds).toBeGreaterThan(0);
  });

  test("passes on the end of the output of a program that fails", async () => {
    const failing = { program: process.execPath, args: ["-e", "console.log('no good'); process.exit(7)"] };
    await expect(measure(failing, options(time))).rejects.toThrow(/exit code 7:\s*no good/);
  });
});

test("measure refuses a program that does not exist", async () => {
  const nothing = { program: join(scratch, "nothing"), args: [] };
  await expect(measure(nothing, options(undefined))).rejects.toThrow("Cannot run");
});
