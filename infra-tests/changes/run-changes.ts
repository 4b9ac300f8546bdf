import { rmSync } from "node:fs";
import { compareTrees, describeDifferences } from "#infra-tests/fidelity/compare-trees.ts";
import { Sandbox } from "#infra-tests/e2e/sandbox.ts";
import { SeededRandom } from "#infra-tests/simulate/seeded-random.ts";
import { ChangingTree, type TreeSize } from "./changing-tree.ts";

/** How long trees change, and how large they are. */
export type ChangesOptions = {
  readonly seed: number;
  readonly size: TreeSize;
  /** The program: what is started, before its arguments; this checkout unless given. */
  readonly program?: readonly string[];
  /** Whether another round follows, after so many. */
  readonly more: (rounds: number) => boolean;
};

/** What came of it. */
export type ChangesReport = {
  readonly rounds: number;
  readonly compared: number;
  readonly failures: readonly string[];
};

/** Backups between two restores that are compared. */
const roundsPerRestore = 3;
const changesPerRound = [0, 1, 1, 3, 10, 200];
/** Milliseconds after which a run that takes seconds is taken to hang. */
const hangsAfterMs = 120_000;

/**
 * Changes a tree at random and backs it up, again and again, each time from what is remembered of the time before; some snapshots are restored
 * and compared with the tree. Ends at the first run that hangs or fails, and at the first difference.
 */
export async function runChanges({ seed, size, more, program }: ChangesOptions): Promise<ChangesReport> {
  const sandbox = new Sandbox(program === undefined ? {} : { program });
  const random = new SeededRandom(seed);
  const source = sandbox.path("source");
  const target = sandbox.path("target");
  const failures: string[] = [];
  const run = async (...args: readonly string[]): Promise<void> => {
    const { child, ended } = sandbox.start(["--quiet", "at", sandbox.path("store"), ...args]);
    const timer = setTimeout(() => child.kill("SIGKILL"), hangsAfterMs);
    const { status, signal, stderr } = await ended;
    clearTimeout(timer);
    if (status !== 0) failures.push(`${args.join(" ")} ended with ${status ?? signal}: ${stderr}`);
  };
  let rounds = 0;
  let compared = 0;
  try {
    const tree = new ChangingTree(source, random, size);
    await run("create", "--plaintext");
    await run("backup", source);
    while (failures.length === 0 && more(rounds)) {
      for (let changes = random.pick(changesPerRound); changes > 0; changes--) tree.change();
      await run("backup", source);
      if (++rounds % roundsPerRestore !== 0 || failures.length > 0) continue;
      await run("restore", `latest:${source}`, "--to", target);
      const comparison = compareTrees(source, target);
      // The directory that is restored to keeps its own time.
      const differences = comparison.differences.filter(({ path }) => path !== "");
      if (differences.length > 0) failures.push(describeDifferences({ ...comparison, differences }));
      compared += comparison.comparedEntries;
      rmSync(target, { recursive: true, force: true });
    }
  } finally {
    sandbox.remove();
  }
  return { rounds, compared, failures };
}
