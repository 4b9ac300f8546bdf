import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { cpus, release, totalmem } from "node:os";
import { join } from "node:path";
import { changeOneFile } from "./changed-file.ts";
import { compareTrees } from "./compare-trees.ts";
import { measure } from "./measure.ts";
import type { Measurement } from "./measure.ts";
import { isBackupPhase, phases as allPhases, phaseTitles } from "./phases.ts";
import type { BackupPhase, Phase } from "./phases.ts";
import { waitForEndOfHome } from "./processes-of-home.ts";
import type { BenchResults, Sample, StoreSize } from "./results.ts";
import type { Command, Place, Tool } from "./tool.ts";
import { rotated } from "./rotated.ts";
import { treeSize } from "./tree-size.ts";
import { waitForQuiet } from "./wait-for-quiet.ts";
import { warmCache } from "./warm-cache.ts";

/** A tool together with its program. */
export type FoundTool = { readonly tool: Tool; readonly program: string };

/** What a bench run needs. */
export type BenchPlan = {
  /** What the results call the tree. */
  readonly directory: string;
  /** The tree to back up: one file of it is changed, and changed back, when that phase is among `phases`. */
  readonly tree: string;
  /** A directory for the stores and the caches of all rounds; they are deleted at the end. */
  readonly work: string;
  /** Where restores go: a tmpfs. */
  readonly restoreTo: string;
  readonly rounds: number;
  readonly phases: readonly Phase[];
  readonly tools: readonly FoundTool[];
  /** PATH of the tools. */
  readonly path: string;
  readonly gnuTime: string | undefined;
  /** How long to wait at most, before each timed run, for the rest of the machine to be quiet. */
  readonly waitMs: number;
  /** Called with a line about what goes on. */
  readonly say: (line: string) => void;
};

/** How long a program that has ended may leave others running. */
const daemonMs = 120_000;

type Contestant = FoundTool & {
  place: Place;
  environment: Readonly<Record<string, string>>;
  scratch: string;
  newest: BackupPhase;
  afterFirstBytes: number;
  failed: boolean;
};

/**
 * Runs every tool through every phase, `rounds` times.
 *
 * Within a round the tools take turns at each phase, in an order that rotates from round to round, so that a drift of the
 * machine hits all of them. Every round starts with new stores and new caches. Dirty pages are written out (`sync`) before
 * each timed run, the daemons of the run before have ended, and the machine has become quiet. Stores of all rounds stay until the end: ext4 is
 * slow for minutes after files were deleted. A tool that fails, leaves a daemon behind, or whose turn comes while the machine is not quiet is reported in `failures` and sits out the rest of the round.
 */
export async function runBench(plan: BenchPlan): Promise<BenchResults> {
  const stores = mkdtempSync(join(plan.work, "stores-"));
  try {
    return await runRounds(plan, stores);
  } finally {
    rmSync(stores, { recursive: true, force: true, maxRetries: 20, retryDelay: 500 });
  }
}

/** @param stores - a directory that is empty: no file system is asked to write right after it deleted */
async function runRounds(plan: BenchPlan, stores: string): Promise<BenchResults> {
  const startedAt = new Date().toISOString();
  const { tree } = plan;
  plan.say("reading the tree once, to warm the page cache");
  warmCache(tree);
  const samples: Sample[] = [];
  const storeSizes: StoreSize[] = [];
  const restores: BenchResults["restores"][number][] = [];
  const failures: BenchResults["failures"][number][] = [];

  for (let round = 1; round <= plan.rounds; round++) {
    const order = rotated(plan.tools, round);
    const contestants: Contestant[] = [];
    const attempt = async (one: Contestant, step: string, action: () => Promise<void>) => {
      if (one.failed) return;
      try {
        await action();
      } catch (error) {
        one.failed = true;
        const message = error instanceof Error ? error.message : String(error);
        failures.push({ tool: one.tool.name, round, phase: step, message });
        plan.say(`!! ${one.tool.name} failed at ${step}: ${message}`);
      }
    };
    for (const found of order) {
      const contestant = admit(found, plan, join(stores, `round-${round}`, found.tool.name));
      contestants.push(contestant);
      await attempt(contestant, "prepare", async () => {
        for (const command of found.tool.prepare(contestant.place)) await run(contestant, command, plan);
        await waitForEndOfHome(contestant.place.home, daemonMs);
      });
    }
    let changed: { restore(): void } | undefined;
    try {
      for (const phase of allPhases) {
        const timed = plan.phases.includes(phase);
        if (!timed && phase !== "first") continue;
        if (phase === "changed") changed = changeOneFile(tree);
        for (const one of contestants) {
          await attempt(one, phase, async () => {
            if (isBackupPhase(phase)) one.newest = phase;
            mkdirSync(one.place.target, { recursive: true });
            flush(plan.work);
            if (plan.waitMs > 0) await waitForQuiet(plan.waitMs);
            const cost = await run(one, commandOf(one, phase), plan);
            await waitForEndOfHome(one.place.home, daemonMs);
            if (timed) {
              samples.push({ tool: one.tool.name, round, phase, ...cost });
              plan.say(
                `round ${round}  ${phaseTitles[phase].padEnd(17)} ${one.tool.name.padEnd(14)} ${cost.wallSeconds.toFixed(2)} s`,
              );
            }
            if (phase === "first") one.afterFirstBytes = treeSize(one.place.store).sizeBytes;
            if (phase === "restore" && !restores.some(({ tool }) => tool === one.tool.name)) {
              const comparison = compareTrees(tree, one.tool.restoredTree(one.place));
              restores.push({ tool: one.tool.name, ...comparison });
            }
          });
          rmSync(one.place.target, { recursive: true, force: true });
        }
      }
    } finally {
      changed?.restore();
      for (const one of contestants) {
        if (!one.failed) {
          storeSizes.push({
            tool: one.tool.name,
            round,
            afterFirstBytes: one.afterFirstBytes,
            afterLastBytes: treeSize(one.place.store).sizeBytes,
          });
        }
      }
    }
  }
  return {
    startedAt,
    machine: {
      cpu: cpus()[0]?.model ?? "unknown",
      cores: cpus().length,
      memoryBytes: totalmem(),
      kernel: release(),
      node: process.version,
    },
    tree: { path: plan.directory, ...treeSize(tree) },
    rounds: plan.rounds,
    phases: plan.phases,
    tools: plan.tools.map(({ tool, program }) => ({
      name: tool.name,
      version: versionOf(tool, program),
      settings: tool.settings,
    })),
    samples,
    storeSizes,
    restores,
    failures,
  };
}

/** The first line that a tool prints as its version. */
export function versionOf(tool: Tool, program: string): string {
  const command = tool.version(program);
  const { stdout } = spawnSync(command.program, command.args, { encoding: "utf8" });
  return (stdout ?? "").trim().split("\n")[0] ?? "";
}

function admit(found: FoundTool, plan: BenchPlan, own: string): Contestant {
  const home = join(own, "home");
  const scratch = join(own, "tmp");
  mkdirSync(home, { recursive: true });
  mkdirSync(scratch, { recursive: true });
  const place: Place = {
    program: found.program,
    tree: plan.tree,
    store: join(own, "store"),
    home,
    target: join(plan.restoreTo, found.tool.name),
    passphrase: "a passphrase for the bench, 2026",
  };
  rmSync(place.target, { recursive: true, force: true });
  const environment = {
    PATH: plan.path,
    LANG: "C.UTF-8",
    HOME: home,
    TMPDIR: scratch,
    XDG_CACHE_HOME: join(home, ".cache"),
    XDG_CONFIG_HOME: join(home, ".config"),
    XDG_DATA_HOME: join(home, ".local", "share"),
    XDG_STATE_HOME: join(home, ".local", "state"),
    ...found.tool.environment(place),
  };
  return { ...found, place, environment, scratch, newest: "first", afterFirstBytes: 0, failed: false };
}

function commandOf({ tool, place, newest }: Contestant, phase: Phase): Command {
  if (phase === "restore") return tool.restore(place, newest);
  if (phase === "check") return tool.check(place);
  return tool.backup(place, phase);
}

async function run(one: Contestant, command: Command, plan: BenchPlan): Promise<Measurement> {
  return measure(command, {
    environment: one.environment,
    cwd: plan.work,
    scratch: one.scratch,
    gnuTime: plan.gnuTime,
  });
}

/** Writes dirty pages of earlier runs out, so that the next one does not pay for them. */
function flush(directory: string): void {
  if (existsSync("/bin/sync")) spawnSync("/bin/sync", ["-f", directory]);
}
