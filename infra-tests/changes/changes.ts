import { randomInt } from "node:crypto";
import { parseArgs } from "node:util";
import { installBuild, installedHoldfast } from "#infra-tests/bench/install-build.ts";
import { runChanges } from "./run-changes.ts";

/** `npm run changes -- --minutes 5`: one tree, changed at random and backed up again and again by the built package; ends with 1 at the first difference. A seed repeats it. */
const { values } = parseArgs({
  options: { minutes: { type: "string", default: "5" }, seed: { type: "string" } },
});
installBuild();
const seed = Number(values.seed ?? randomInt(2 ** 31));
const untilMs = performance.now() + Number(values.minutes) * 60_000;
process.stdout.write(`seed ${seed}, ${values.minutes} minutes\n`);
const { rounds, compared, failures } = await runChanges({
  seed,
  size: { directories: 400, files: 14_000, filesInOne: 3000, unread: 2900 },
  program: [process.execPath, installedHoldfast],
  more: () => performance.now() < untilMs,
});
process.stdout.write(`  ${rounds} backups; of snapshots that were restored, ${compared} entries were compared\n`);
for (const failure of failures) process.stdout.write(`  BROKEN: ${failure}\n`);
if (failures.length > 0) process.exitCode = 1;
