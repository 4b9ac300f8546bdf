import { runWorld, type WorldReport } from "./run-world.ts";
import { prepareThreads } from "./simulated-threads.ts";
import type { Weather } from "./weather.ts";

const operations = new URL(import.meta.resolve("#shared/operations/progress.ts"));

/**
 * Lets worlds happen, one after the other, until one breaks a promise. The stand-ins must be installed.
 *
 * @returns whether one did
 */
export async function simulate(options: {
  readonly firstSeed: number;
  readonly seeds: number;
  /** Calls to the store in the storm of each world. */
  readonly steps: number;
  /** What of the weather is not drawn. */
  readonly weather: Partial<Weather>;
  readonly trace: boolean;
  readonly json: boolean;
  readonly write: (text: string) => void;
}): Promise<boolean> {
  const { firstSeed, seeds, steps, write } = options;
  await prepareThreads(
    ["backup/backup-worker.ts", "restore/restore-worker.ts", "check/check-worker.ts"].map(
      (each) => new URL(each, operations),
    ),
    [new URL("backup/scripted-content.testing.ts", operations), new URL("./memory-content-writer.ts", import.meta.url)],
  );
  const totals = { worlds: 0, steps: 0, days: 0, entries: 0 };
  const counts = new Map<string, number>();
  let broken: WorldReport | undefined;
  for (let seed = firstSeed; seed < firstSeed + seeds && broken === undefined; seed++) {
    const report = await runWorld(seed, {
      steps,
      weather: options.weather,
      ...(options.trace ? { onLine: (line: string) => write(`${line}\n`) } : {}),
    });
    totals.worlds++;
    totals.steps += report.steps;
    totals.days += report.days;
    totals.entries += report.entries;
    for (const [what, count] of report.counts) counts.set(what, (counts.get(what) ?? 0) + count);
    if (options.json) write(`${JSON.stringify({ ...report, counts: Object.fromEntries(report.counts) })}\n`);
    if (report.violation !== undefined) broken = report;
    else if (!options.json && totals.worlds % 25 === 0) write(`${totals.worlds} worlds, ${totals.steps} steps\n`);
  }
  if (options.json) return broken !== undefined;
  const { worlds, entries, days } = totals;
  write(`${worlds} worlds from seed ${firstSeed}, ${totals.steps} steps, ${entries} log entries, ${days} days\n`);
  for (const what of [...counts.keys()].sort()) write(`  ${what}: ${counts.get(what)}\n`);
  if (broken === undefined) return false;
  write(`broken in the world of seed ${broken.seed}: ${broken.violation}\n`);
  if (!options.trace) for (const line of broken.lastLines) write(`  ${line}\n`);
  write(`again: npm run simulate -- --seeds 1 --seed ${broken.seed} --steps ${steps} --trace\n`);
  return true;
}
