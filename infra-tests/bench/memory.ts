import { existsSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { errorKinds, HoldfastError, isHoldfastError } from "#shared/errors.ts";
import { findProgram, pathDirectories } from "./find-program.ts";
import { makeSmallFiles } from "./make-small-files.ts";
import { isPhase } from "./phases.ts";
import type { Phase } from "./phases.ts";
import { report } from "./report.ts";
import type { FoundTool } from "./run-bench.ts";
import { runBench } from "./run-bench.ts";
import { installBuild } from "./install-build.ts";
import { allTools } from "./tools/all-tools.ts";

const manual = `node infra-tests/bench/memory.ts [options]

Backs up, restores and checks a tree of many small files and prints the peak resident memory of each.

  --files N      how many (1000000)
  --flat         all in one directory, instead of 1,000 to each
  --seed N       of the contents (1)
  --tools a,b    holdfast, or peers for comparison (holdfast)
  --phases a,b   first, unchanged, restore, check (first, unchanged, restore, check)
  --limit-mib N  exit code 3 when holdfast's peak is higher (400)
  --tree DIR     an existing tree instead of making one
  --work DIR     where everything is made (.cache/memory); its content is deleted
  --restore-to DIR  where the restore goes (/dev/shm, else the work directory)
  --json FILE    where the results go (bench-results/memory.json)
`;

const root = resolve(import.meta.dirname, "..", "..");

function say(line: string): void {
  process.stderr.write(`${line}\n`);
}

function options() {
  try {
    return parseArgs({
      options: {
        files: { type: "string", default: "1000000" },
        flat: { type: "boolean", default: false },
        seed: { type: "string", default: "1" },
        tools: { type: "string", default: "holdfast" },
        phases: { type: "string", default: "first,unchanged,restore,check" },
        "limit-mib": { type: "string", default: "400" },
        tree: { type: "string" },
        work: { type: "string", default: join(root, ".cache", "memory") },
        "restore-to": { type: "string" },
        json: { type: "string", default: join(root, "bench-results", "memory.json") },
      },
    }).values;
  } catch (cause) {
    throw new HoldfastError("invalid", cause instanceof Error ? cause.message : "", { cause, hint: manual });
  }
}

function findTools(names: readonly string[], path: string): readonly FoundTool[] {
  return names.map((name) => {
    const tool = allTools.find((one) => one.name === name);
    if (tool === undefined) throw new HoldfastError("invalid", `There is no tool ${name}.`, { hint: manual });
    const program = findProgram(tool.programs, [join(root, ".cache", "bin"), ...pathDirectories(path)]);
    if (program === undefined) throw new HoldfastError("absent", `${name} is not there (${tool.programs.join(", ")}).`);
    return { tool, program };
  });
}

/** The phases named; `changed` is none of this bench's, which uses the tree as it lies. */
function parsePhases(list: string): readonly Phase[] {
  return list.split(",").map((word) => {
    if (isPhase(word) && word !== "changed") return word;
    throw new HoldfastError("invalid", `There is no phase ${word} here.`, { hint: manual });
  });
}

async function main(): Promise<number> {
  const values = options();
  const path = process.env["PATH"] ?? "";
  installBuild();
  const tools = findTools(values.tools.split(","), path);
  const work = resolve(values.work);
  const phases = parsePhases(values.phases);
  const [files, seed, limitMib] = [Number(values.files), Number(values.seed), Number(values["limit-mib"])];
  if (!Number.isInteger(files) || !Number.isInteger(seed) || !Number.isFinite(limitMib)) {
    throw new HoldfastError("invalid", "--files, --seed and --limit-mib take numbers.", { hint: manual });
  }
  const directory = values.tree === undefined ? join(work, values.flat ? "flat" : "nested") : resolve(values.tree);
  mkdirSync(work, { recursive: true });
  if (values.tree === undefined) {
    rmSync(directory, { recursive: true, force: true });
    say(`making ${files} files in ${directory}, seed ${seed}`);
    makeSmallFiles({ directory, files, perDirectory: values.flat ? Infinity : 1000, seed });
  }
  const shm = values["restore-to"] ?? (existsSync("/dev/shm") ? "/dev/shm" : work);
  const restoreTo = join(shm, `holdfast-memory-${process.pid}`);
  const gnuTime = findProgram(["/usr/bin/time"], []);
  if (gnuTime === undefined) say("!! GNU time is not there (Debian package time): memory is sampled from /proc");
  try {
    const results = await runBench({
      directory,
      tree: directory,
      work: join(work, "run"),
      restoreTo,
      rounds: 1,
      phases,
      tools,
      path,
      gnuTime,
      waitMs: 0,
      say,
    });
    const json = resolve(values.json);
    mkdirSync(dirname(json), { recursive: true });
    writeFileSync(json, `${JSON.stringify(results, undefined, 2)}\n`);
    process.stdout.write(`\n${report(results)}\n`);
    const peakBytes = Math.max(
      ...results.samples.filter(({ tool }) => tool === "holdfast").map((one) => one.peakRssBytes ?? 0),
      0,
    );
    const tooMuch = peakBytes > limitMib * 1048576;
    if (peakBytes > 0) {
      const verdict = tooMuch ? "above" : "within";
      process.stdout.write(`holdfast's peak is ${Math.ceil(peakBytes / 1048576)} MiB: ${verdict} ${limitMib} MiB\n`);
    }
    process.stdout.write(`${json}\n`);
    return tooMuch || results.failures.length > 0 ? errorKinds.partial.exitCode : 0;
  } finally {
    rmSync(restoreTo, { recursive: true, force: true });
  }
}

try {
  process.exitCode = await main();
} catch (error) {
  if (!isHoldfastError(error)) throw error;
  say(error.message);
  if (error.hint !== undefined) say(error.hint);
  process.exitCode = errorKinds[error.kind].exitCode;
}
