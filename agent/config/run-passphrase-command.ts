import { spawn } from "node:child_process";
import type { Readable } from "node:stream";
import { setTimeout as sleep } from "node:timers/promises";
import { HoldfastError } from "#shared/errors.ts";

const outputBytesMax = 65_536;
/** Milliseconds that a command may go on after its line, and after it was asked to end. */
const graceMs = 500;
const newline = 0x0a;

/**
 * Runs `command` in `/bin/sh` and returns the first line that it prints. It may ask on the terminal. What it prints after that is
 * dropped; if it ends within half a second the exit code counts, else its shell is ended.
 *
 * @throws {HoldfastError} denied: it cannot be started, fails, prints nothing, a line of more than 64 KiB, or no UTF-8
 * @throws the signal's reason
 */
export async function runPassphraseCommand(
  command: string,
  { signal, stdin }: { readonly signal: AbortSignal; readonly stdin: "inherit" | "ignore" },
): Promise<string> {
  signal.throwIfAborted();
  const child = spawn("/bin/sh", ["-c", command], { stdio: [stdin, "pipe", "inherit"] });
  const gone = new Promise<void>((resolve) => child.once("exit", () => resolve()).once("error", () => resolve()));
  /** Resolves at a good end. */
  const ended = new Promise<void>((resolve, reject) => {
    child.once("error", (error) => reject(fail(error.message, error)));
    child.once("exit", (code, killed) => (code === 0 ? resolve() : reject(fail(`it ended with ${killed ?? code}`))));
    signal.addEventListener("abort", () => reject(signal.reason as Error), { once: true });
  });
  const { line, tooMuch } = watchOutput(child.stdout);
  try {
    const { bytes, isAll } = await Promise.race([line, ended.then(() => line)]);
    await Promise.race(isAll ? [ended] : [ended, tooMuch, pause(false)]);
    return decodeLine(bytes);
  } finally {
    child.stdout.destroy();
    child.kill();
    if (await Promise.race([gone.then(() => false), pause(true)])) child.kill("SIGKILL");
    await gone;
  }
}

function pause<Value>(value: Value): Promise<Value> {
  return sleep(graceMs, value, { ref: false });
}

/**
 * Reads what a command prints, and keeps one line of it.
 *
 * @returns the line, without its end, once it is there (`isAll`: because nothing comes after it), and what resolves after 64 KiB
 */
function watchOutput(stdout: Readable): {
  readonly line: Promise<{ readonly bytes: Buffer; readonly isAll: boolean }>;
  readonly tooMuch: Promise<void>;
} {
  const line = Promise.withResolvers<{ bytes: Buffer; isAll: boolean }>();
  const tooMuch = Promise.withResolvers<void>();
  const chunks: Buffer[] = [];
  let hasLine = false;
  let lengthBytes = 0;
  stdout.on("data", (chunk: Buffer) => {
    const end = hasLine ? 0 : chunk.indexOf(newline);
    lengthBytes += end === -1 || hasLine ? chunk.length : end;
    if (lengthBytes > outputBytesMax) {
      line.reject(fail(`it printed more than ${outputBytesMax} bytes`));
      tooMuch.resolve();
      stdout.destroy();
    } else if (!hasLine) {
      chunks.push(end === -1 ? chunk : chunk.subarray(0, end));
      hasLine = end !== -1;
      if (hasLine) line.resolve({ bytes: Buffer.concat(chunks), isAll: false });
    }
  });
  stdout.once("end", () => line.resolve({ bytes: Buffer.concat(chunks), isAll: true }));
  return { line: line.promise, tooMuch: tooMuch.promise };
}

function decodeLine(bytes: Buffer): string {
  let text;
  try {
    text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw fail("it printed bytes that are not UTF-8");
  }
  const line = text.replace(/\r$/, "");
  if (line.includes("\r")) throw fail("it printed more than one line");
  if (line === "") throw fail("it printed nothing");
  return line;
}

function fail(why: string, cause?: unknown): HoldfastError {
  return new HoldfastError("denied", `Cannot get the passphrase from --passphrase-command: ${why}`, {
    hint: "Run the command by hand: it must print the passphrase as its first line and exit with 0.",
    cause,
  });
}
