import { randomInt } from "node:crypto";
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { type Filesystem, filesystems, PowerDisk } from "./power-disk.ts";
import { runPower } from "./run-power.ts";

/** HOLDFAST_TEST_SEED repeats a run. */
const seed = Number(process.env["HOLDFAST_TEST_SEED"] ?? randomInt(2 ** 31));

/** Whether a disk can be made here; says why not. */
function isMissing(filesystem: Filesystem): boolean {
  const directory = mkdtempSync(join(tmpdir(), "holdfast-power-"));
  try {
    new PowerDisk(directory, filesystem).close();
    return false;
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    process.stderr.write(`SKIPPED: power cuts on ${filesystem} are not tested: ${reason}\n`);
    return true;
  } finally {
    spawnSync("umount", ["-R", join(directory, "outer")], { stdio: "ignore" });
    rmSync(directory, { recursive: true, force: true });
  }
}

for (const filesystem of filesystems) {
  test.skipIf(isMissing(filesystem))(
    `on ${filesystem} a power cut takes nothing that was done, and a restore that was cut can be run again`,
    { timeout: 600_000 },
    async () => {
      process.stderr.write(`power.test.ts: HOLDFAST_TEST_SEED=${seed}\n`);
      const { cuts, failures } = await runPower({ seed, filesystem, files: 250 });
      expect(failures).toEqual([]);
      expect(cuts).toBeGreaterThanOrEqual(3);
    },
  );
}
