import { type ChildProcess, spawn } from "node:child_process";
import type { Readable } from "node:stream";
import { HoldfastError } from "#shared/errors.ts";
import { displayName } from "#agent/render/display-name.ts";
import type { StreamInput } from "./stream-importer.ts";

/** Milliseconds that a command has to end after SIGTERM. */
const longestStopMs = 5000;

/**
 * What a command prints on its standard output. It is started when its output is first asked for, without a shell; it has the standard
 * input and standard error of this process, and its environment without the secrets.
 *
 * @param words - the program and its arguments
 */
export function commandOutput(words: readonly string[]): StreamInput {
  const [program = "", ...args] = words;
  const shown = displayName(Buffer.from(program, "utf8").toString("latin1"));
  let child: ChildProcess | undefined;
  let ended: Promise<void> | undefined;
  return {
    description: `the output of ${shown}`,
    open() {
      const started = spawn(program, args, { stdio: ["inherit", "pipe", "inherit"] });
      child = started;
      ended = endOf(started, shown);
      ended.catch(() => undefined); // told by `finish`, or nobody asks any more
      return outputOf(started.stdout, ended);
    },
    async finish() {
      await ended;
    },
    async stop() {
      if (child === undefined || ended === undefined || child.exitCode !== null || child.signalCode !== null) return;
      child.stdout?.destroy();
      child.kill();
      const late = setTimeout(() => child?.kill("SIGKILL"), longestStopMs);
      await ended.catch(() => undefined);
      clearTimeout(late);
    },
  };
}

/** The output of a command; where it cannot be started there is none, and the reason is told. */
async function* outputOf(stdout: Readable, ended: Promise<void>): AsyncGenerator<Uint8Array> {
  yield* stdout as AsyncIterable<Uint8Array>;
  await ended;
}

/** @throws {HoldfastError} absent or denied: it cannot be started; unavailable: it failed */
async function endOf(child: ChildProcess, shown: string): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  child.once("error", (cause: NodeJS.ErrnoException) => {
    const kind = cause.code === "EACCES" ? "denied" : "absent";
    const why = cause.code === "ENOENT" ? "there is no such program" : cause.message;
    reject(new HoldfastError(kind, `Cannot run ${shown}: ${why}, so no snapshot was made`, { cause }));
  });
  child.once("close", (code, signal) => {
    if (code === 0) {
      resolve();
      return;
    }
    const how = signal === null ? `ended with exit code ${code}` : `was ended by ${signal}`;
    reject(
      new HoldfastError("unavailable", `The command ${shown} ${how}, so no snapshot was made`, {
        detail: signal === null ? { commandExitCode: code ?? -1 } : { commandSignal: signal },
        hint: "What it told of the reason is above. Run it by hand to see whether it succeeds.",
      }),
    );
  });
  await promise;
}
