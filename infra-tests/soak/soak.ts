import { randomInt } from "node:crypto";
import { parseArgs } from "node:util";
import { runSoak } from "./run-soak.ts";
import type { StoreKind } from "./soaked-store.ts";

/**
 * `npm run soak -- --minutes 3`: real processes on one directory store, then on one S3 store, with kills at random; ends with 1 and says what is
 * broken, if anything is. A seed repeats what is drawn, as far as the machine lets it.
 */
const { values } = parseArgs({
  options: {
    minutes: { type: "string", default: "3" },
    seed: { type: "string" },
    store: { type: "string", multiple: true, default: ["directory", "s3"] },
    agents: { type: "string", default: "8" },
    maintainers: { type: "string", default: "2" },
    restorers: { type: "string", default: "2" },
  },
});
const kinds: readonly StoreKind[] = ["directory", "s3"];
const seed = Number(values.seed ?? randomInt(2 ** 31));
for (const kind of kinds.filter((each) => values.store.includes(each))) {
  process.stdout.write(`${kind}, seed ${seed}, ${values.minutes} minutes\n`);
  const { counts, snapshots, failures } = await runSoak({
    kind,
    seed,
    seconds: Number(values.minutes) * 60,
    agents: Number(values.agents),
    maintainers: Number(values.maintainers),
    restorers: Number(values.restorers),
  });
  for (const [what, count] of Object.entries(counts)) process.stdout.write(`  ${what}: ${count}\n`);
  process.stdout.write(`  ${snapshots} snapshots at the end, all restored and compared\n`);
  for (const failure of failures) process.stdout.write(`  BROKEN: ${failure}\n`);
  if (failures.length > 0) process.exitCode = 1;
}
