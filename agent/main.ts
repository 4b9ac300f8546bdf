import { fstatSync, write } from "node:fs";
import { endProcess } from "#agent/end-process.ts";
import { endWithWrapper } from "#agent/end-with-wrapper.ts";
import { knownFailure } from "#agent/known-failure.ts";
import { leaveRemovedDirectory } from "#agent/leave-removed-directory.ts";
import { chooseRenderer } from "#agent/render/choose-renderer.ts";
import { FileSink } from "#agent/render/file-sink.ts";
import { isDiscarded } from "#agent/render/is-discarded.ts";
import type { Renderer } from "#agent/render/renderer.ts";
import { runCommandLine } from "#agent/run-command-line.ts";
import { wire } from "#agent/wiring.ts";
import { errorKinds, HoldfastError } from "#shared/errors.ts";

/** Milliseconds within which a second signal is the same one again: a terminal and a parent may both deliver a Ctrl-C. */
const sameSignalMs = 250;
const signals = ["SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT"] as const;
/** Milliseconds that a command has to stop; a file or a network filesystem that does not answer would keep it for ever. */
const longestStopMs = 30_000;
const stdout = 1;
const stderr = 2;

const args = process.argv.slice(2);
const wiring = wire(process.env);
const stop = new AbortController();
const out = new FileSink(stdout, {
  buffered: !isTerminal(stdout),
  columns: () => (isTerminal(stdout) ? process.stdout.columns : undefined),
  failed: outputFailed,
});
const err = new FileSink(stderr, {
  buffered: false,
  columns: () => (isTerminal(stderr) ? process.stderr.columns : undefined),
  failed: () => {},
});
let renderer: Renderer | undefined;
let outputFailure: HoldfastError | undefined;

if (wiring.environment.wrapperPid !== undefined) endWithWrapper(wiring.environment.wrapperPid);
leaveRemovedDirectory();
watchSignals();
process.on("uncaughtException", (error) => end(failed(error)));
process.on("unhandledRejection", (error) => end(failed(error)));
// Not awaited: the package is CommonJS, which cannot wait for a module.
void run().then(end);

async function run(): Promise<number> {
  try {
    const outcome = await runCommandLine(args, { wiring, signal: stop.signal, renderer: makeRenderer, writeBytes });
    return outcome === "ok" ? 0 : errorKinds[outcome].exitCode;
  } catch (error) {
    return failed(stop.signal.aborted ? stop.signal.reason : error);
  }
}

/** Shows `error`, and returns the exit code that it stands for. */
function failed(error: unknown): number {
  const known = knownFailure(error);
  if (!isBrokenPipe(known)) {
    const words = args.slice(0, args.includes("--") ? args.indexOf("--") : args.length);
    renderer ??= makeRenderer({ json: words.includes("--json"), quiet: true, stdio: true });
    renderer.failure(known);
    if (known === outputFailure && words.includes("--json")) err.write(`holdfast: ${known.message}\n`);
    if (wiring.environment.debug && error instanceof Error) err.write(`${error.stack ?? ""}\n`);
  }
  return errorKinds[known.kind].exitCode;
}

function makeRenderer(choice: { readonly json: boolean; readonly quiet: boolean; readonly stdio: boolean }): Renderer {
  const { json, quiet, stdio } = choice;
  const { term, noColor } = wiring.environment;
  renderer = chooseRenderer({ json, quiet, stdio, term, noColor }, out, err);
  return renderer;
}

/** Loading Node's streams takes a tenth of a short run: they are not asked about what cannot be a terminal. */
function isTerminal(fd: 1 | 2): boolean {
  try {
    return fstatSync(fd).isCharacterDevice() && (fd === stdout ? process.stdout : process.stderr).isTTY;
  } catch {
    return false;
  }
}

/** The first signal asks the command to stop, the next one ends the process at once, and so does time. */
function watchSignals(): void {
  let firstAtMs: number | undefined;
  for (const signal of signals) {
    process.on(signal, () => {
      if (signal === "SIGHUP" && !hasTerminal()) return;
      const nowMs = performance.now();
      if (firstAtMs === undefined) {
        firstAtMs = nowMs;
        const reason = new HoldfastError("interrupted", `Stopped by ${signal}`);
        stop.abort(reason);
        setTimeout(() => end(failed(reason)), longestStopMs).unref();
      } else if (nowMs - firstAtMs > sameSignalMs) {
        renderer?.close();
        endProcess(errorKinds.interrupted.exitCode);
      }
    });
  }
  // Without a listener Node opens its debugger, to which every user of the machine could connect.
  process.on("SIGUSR1", () => undefined);
}

/**
 * Whether a standard stream is a terminal, whose hang-up SIGHUP tells of. Where none is, as below nohup, a hang-up is none of our business;
 * that nohup ignored the signal cannot be seen any more, for Node undoes it.
 */
function hasTerminal(): boolean {
  return [0, stdout, stderr].some((fd) => fstatSync(fd).isCharacterDevice() && !isDiscarded(fd));
}

/** Standard output cannot be written to: its reader has gone, or the disk is full. The command is asked to stop. */
function outputFailed(error: NodeJS.ErrnoException): void {
  outputFailure ??=
    error.code === "EPIPE"
      ? new HoldfastError("interrupted", "Nobody reads the output any more", { cause: error })
      : new HoldfastError("unavailable", `Cannot write to standard output: ${error.message}`, { cause: error });
  stop.abort(outputFailure);
}

function isBrokenPipe(error: HoldfastError): boolean {
  return error === outputFailure && error.kind === "interrupted";
}

/** Writes all of `bytes` to standard output, as fast as it takes them. */
async function writeBytes(bytes: Uint8Array): Promise<void> {
  out.flush();
  for (let done = 0; done < bytes.length;) {
    try {
      done += await writeSome(bytes.subarray(done));
    } catch (error) {
      const failure = error as NodeJS.ErrnoException;
      if (failure.code !== "EAGAIN") outputFailed(failure);
      stop.signal.throwIfAborted();
      await new Promise((resolve) => setTimeout(resolve, 2));
    }
  }
}

function writeSome(bytes: Uint8Array): Promise<number> {
  return new Promise((resolve, reject) => {
    write(stdout, bytes, 0, bytes.length, null, (error, count) => (error ? reject(error) : resolve(count)));
  });
}

/** Writes what waits, gives the terminal back, and ends the process. A lost answer is never a success. */
function end(exitCode: number): never {
  renderer?.close();
  out.flush();
  endProcess(outputFailure !== undefined && exitCode === 0 ? failed(outputFailure) : exitCode);
}
