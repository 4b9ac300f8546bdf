import { existsSync, mkdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { errorKinds, HoldfastError, isHoldfastError } from "#shared/errors.ts";
import { benchManual, parseBenchOptions } from "./bench-options.ts";
import type { BenchOptions } from "./bench-options.ts";
import { copyTree } from "./copy-tree.ts";
import { findProgram, pathDirectories } from "./find-program.ts";
import { installBuild } from "./install-build.ts";
import { report } from "./report.ts";
import type { FoundTool } from "./run-bench.ts";
import { runBench } from "./run-bench.ts";
import { allTools } from "./tools/all-tools.ts";

const root = resolve(import.meta.dirname, "..", "..");
const path = process.env["PATH"] ?? "";
const peerDirectories = [join(root, ".cache", "bin"), ...pathDirectories(path)];

function say(line: string): void {
  process.stderr.write(`${line}\n`);
}

/** Pairs the wanted tools with their programs; tells which are missing. */
function findTools(wanted: readonly string[] | undefined): readonly FoundTool[] {
  const unknown = wanted?.find((name) => !allTools.some((tool) => tool.name === name));
  if (unknown !== undefined) {
    throw new HoldfastError("invalid", `Cannot start the bench: there is no tool ${unknown}.`, { hint: benchManual });
  }
  const found: FoundTool[] = [];
  for (const tool of allTools) {
    if (wanted !== undefined ? !wanted.includes(tool.name) : tool.name === "restic-debian") continue;
    const program = findProgram(tool.programs, peerDirectories);
    if (program === undefined) say(`!! ${tool.name} is not there (${tool.programs.join(", ")}): left out`);
    else found.push({ tool, program });
  }
  if (found.length === 0) throw new HoldfastError("absent", "Cannot start the bench: none of the tools is there.");
  return found;
}

/** A place for restores: below the wanted directory, else loudly below the system's temporary one. */
function restoreDirectory(wanted: string): string {
  if (existsSync(wanted)) return join(wanted, `holdfast-bench-${process.pid}`);
  say(`!! ${wanted} is not there: restores go to ${tmpdir()}, which may be a disk`);
  return join(tmpdir(), `holdfast-bench-${process.pid}`);
}

async function main(options: BenchOptions): Promise<number> {
  const directory = resolve(options.directory);
  if (statSync(directory, { throwIfNoEntry: false })?.isDirectory() !== true) {
    throw new HoldfastError("absent", `Cannot start the bench: ${directory} is no directory.`);
  }
  installBuild();
  const tools = findTools(options.tools);
  const gnuTime = findProgram(["/usr/bin/time"], []) ?? findProgram(["gtime"], peerDirectories);
  if (gnuTime === undefined) {
    say("!! GNU time is not there (Debian package time): memory and CPU are sampled from /proc, a little too low");
  }
  const work = resolve(options.work ?? join(root, ".cache", "bench"));
  mkdirSync(work, { recursive: true });
  const restoreTo = restoreDirectory(options.restoreTo);
  try {
    const { rounds, phases, waitMs } = options;
    say(`copying ${directory} to ${work}`);
    const tree = copyTree(directory, join(work, "tree"));
    const results = await runBench({
      directory,
      tree,
      work,
      restoreTo,
      rounds,
      phases,
      tools,
      path,
      gnuTime,
      waitMs,
      say,
    });
    const stamp = results.startedAt.replaceAll(":", "").slice(0, 15);
    const json = resolve(options.json ?? join(root, "bench-results", `${stamp}.json`));
    mkdirSync(dirname(json), { recursive: true });
    writeFileSync(json, `${JSON.stringify(results, undefined, 2)}\n`);
    process.stdout.write(`\n${report(results)}\n${json}\n`);
    return results.failures.length === 0 ? 0 : errorKinds.partial.exitCode;
  } finally {
    rmSync(restoreTo, { recursive: true, force: true });
  }
}

try {
  process.exitCode = await main(parseBenchOptions(process.argv.slice(2)));
} catch (error) {
  if (!isHoldfastError(error)) throw error;
  say(error.message);
  if (error.hint !== undefined) say(error.hint);
  process.exitCode = errorKinds[error.kind].exitCode;
}
