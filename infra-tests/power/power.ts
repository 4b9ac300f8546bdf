import { randomInt } from "node:crypto";
import { parseArgs } from "node:util";
import { installBuild, installedHoldfast } from "#infra-tests/bench/install-build.ts";
import { filesystems } from "./power-disk.ts";
import { runPower } from "./run-power.ts";

/**
 * `npm run power -- --minutes 5 --files 2000 --filesystem ext4 --seed N`: cuts the power of disks under restores and stores by the built package, as root;
 * ends with 1 at the first promise that is broken.
 */
const { values } = parseArgs({
  options: {
    minutes: { type: "string", default: "5" },
    files: { type: "string", default: "1500" },
    filesystem: { type: "string" },
    seed: { type: "string" },
  },
});
installBuild();
const first = Number(values.seed ?? randomInt(2 ** 31));
const untilMs = performance.now() + Number(values.minutes) * 60_000;
const chosen = filesystems.filter((each) => values.filesystem === undefined || values.filesystem === each);
for (let seed = first; process.exitCode === undefined && (seed === first || performance.now() < untilMs); seed++) {
  for (const filesystem of chosen) {
    const program = [process.execPath, installedHoldfast];
    const { cuts, failures } = await runPower({ seed, filesystem, files: Number(values.files), program });
    process.stdout.write(`seed ${seed}, ${filesystem}: ${cuts} cuts, ${failures.length} failures\n`);
    for (const failure of failures) process.stdout.write(`  BROKEN: ${failure}\n`);
    if (failures.length > 0) process.exitCode = 1;
  }
}
