import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, realpathSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { removeTree } from "#infra-tests/fidelity/make-tree.ts";

/** How a run of the program ended. */
export type Ended = {
  /** The exit code; undefined when a signal ended it. */
  readonly status: number | undefined;
  readonly signal: NodeJS.Signals | undefined;
  readonly stdout: string;
  readonly stderr: string;
};

/** A run of the program that is still going on. */
export type Running = { readonly child: ChildProcess; readonly ended: Promise<Ended> };

/** Choices of a run. */
export type RunOptions = {
  /** Variables beside those of the sandbox; undefined takes one away. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  readonly cwd?: string;
  /** A command that the program is started by, such as `setpriv …`. */
  readonly by?: readonly string[];
};

/** The passphrase of all stores that tests make. */
export const passphrase = "correct horse battery staple";

const door = fileURLToPath(new URL("../../agent/holdfast.cjs", import.meta.url));

/** A directory of a test's own, and the program run in it as a person would: another process with its own home and caches. */
export class Sandbox {
  readonly directory: string;
  /** The program: what is started, before its arguments. */
  readonly program: readonly string[];

  constructor(options: { readonly in?: string; readonly program?: readonly string[] } = {}) {
    this.directory = realpathSync(mkdtempSync(join(options.in ?? tmpdir(), "holdfast-e2e-")));
    this.program = options.program ?? [process.execPath, door];
    // Other users of the machine are let in: some runs are theirs.
    chmodSync(this.directory, 0o755);
    mkdirSync(join(this.directory, "home"), { mode: 0o777 });
    chmodSync(join(this.directory, "home"), 0o777);
  }

  /** A path in the sandbox. */
  path(...names: readonly string[]): string {
    return join(this.directory, ...names);
  }

  /** The whole environment of a run. */
  environment(more: RunOptions["env"] = {}): Record<string, string> {
    const home = this.path("home");
    const all: Record<string, string | undefined> = {
      PATH: process.env["PATH"],
      HOME: home,
      XDG_CACHE_HOME: join(home, "cache"),
      XDG_DATA_HOME: join(home, "data"),
      TZ: "UTC",
      HOLDFAST_PASSPHRASE: passphrase,
      // Files of tests were always made a moment ago.
      HOLDFAST_SETTLE_SECONDS: "0",
      ...more,
    };
    return Object.fromEntries(
      Object.entries(all).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])),
    );
  }

  /** Starts the program. */
  start(args: readonly string[], options: RunOptions = {}): Running {
    const [command = "", ...words] = [...(options.by ?? []), ...this.program, ...args];
    const child = spawn(command, words, {
      cwd: options.cwd ?? this.directory,
      env: this.environment(options.env),
      stdio: ["ignore", "pipe", "pipe"],
    });
    const ended = new Promise<Ended>((resolve, reject) => {
      const out: Buffer[] = [];
      const err: Buffer[] = [];
      child.stdout?.on("data", (bytes: Buffer) => out.push(bytes));
      child.stderr?.on("data", (bytes: Buffer) => err.push(bytes));
      child.once("error", reject);
      child.once("close", (code, signal) => {
        resolve({ status: code ?? undefined, signal: signal ?? undefined, stdout: text(out), stderr: text(err) });
      });
    });
    return { child, ended };
  }

  /** Runs the program to its end. */
  run(args: readonly string[], options: RunOptions = {}): Promise<Ended> {
    return this.start(args, options).ended;
  }

  /**
   * Runs the program to its end, which must be a good one.
   *
   * @returns standard output
   */
  async do(args: readonly string[], options: RunOptions = {}): Promise<string> {
    const { status, signal, stdout, stderr } = await this.run(args, options);
    if (status === 0) return stdout;
    throw new Error(`holdfast ${args.join(" ")} ended with ${status ?? signal}\n${stdout}${stderr}`);
  }

  /** Runs the program with `--json` to its end, and parses its events: every line must be one. */
  async events(
    args: readonly string[],
    options: RunOptions = {},
  ): Promise<{ status: number | undefined; events: JsonEvent[]; stderr: string }> {
    const { status, stdout, stderr } = await this.run(["--json", ...args], options);
    return { status, stderr, events: parseEvents(stdout) };
  }

  /** Removes everything, mounts below it first. */
  remove(): void {
    spawnSync("umount", ["-R", "-q", ...mountsBelow(this.directory)], { stdio: "ignore" });
    removeTree(this.directory);
  }
}

/** One event of `--json`. */
export type JsonEvent = { readonly event: string; readonly [member: string]: unknown };

/** The events of what `--json` wrote. @throws when a line is no event */
export function parseEvents(text: string): JsonEvent[] {
  const lines = text.split("\n");
  if (lines.pop() !== "") throw new Error(`the last line has no end: ${text.slice(-200)}`);
  return lines.map((line) => {
    const value: unknown = JSON.parse(line);
    if (typeof value !== "object" || value === null || !("event" in value) || typeof value.event !== "string") {
      throw new Error(`not an event: ${line}`);
    }
    return { ...value, event: value.event };
  });
}

function text(bytes: readonly Buffer[]): string {
  return Buffer.concat(bytes).toString("utf8");
}

function mountsBelow(directory: string): string[] {
  if (!existsSync("/proc/self/mounts")) return [];
  return readFileSync("/proc/self/mounts", "utf8")
    .split("\n")
    .map((line) => line.split(" ")[1] ?? "")
    .filter((target) => target.startsWith(`${directory}/`));
}
