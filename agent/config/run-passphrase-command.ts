import { spawn } from "node:child_process";
import { HoldfastError } from "#shared/errors.ts";

const outputBytesMax = 65_536;

/**
 * Runs `command` in `/bin/sh` and returns the one line that it prints. It may ask on the terminal.
 *
 * @throws {HoldfastError} denied: it cannot be started, fails, prints nothing, more than one line, or no UTF-8
 */
export async function runPassphraseCommand(command: string, signal: AbortSignal): Promise<string> {
  const child = spawn("/bin/sh", ["-c", command], { stdio: ["inherit", "pipe", "inherit"], signal });
  const chunks: Buffer[] = [];
  let lengthBytes = 0;
  child.stdout.on("data", (chunk: Buffer) => {
    lengthBytes += chunk.length;
    if (lengthBytes > outputBytesMax) child.kill();
    else chunks.push(chunk);
  });
  const ended = await new Promise<string>((resolve, reject) => {
    child.on("error", (error) => reject(signal.aborted ? error : fail(error.message, error)));
    child.on("close", (code, killed) => resolve(killed ?? String(code)));
  });
  if (lengthBytes > outputBytesMax) throw fail(`it printed more than ${outputBytesMax} bytes`);
  if (ended !== "0") throw fail(`it ended with ${ended}`);
  const line = decodeLine(Buffer.concat(chunks));
  if (line === "") throw fail("it printed nothing");
  return line;
}

function decodeLine(output: Buffer): string {
  let text;
  try {
    text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(output);
  } catch {
    throw fail("it printed bytes that are not UTF-8");
  }
  const line = text.replace(/\r?\n$/, "");
  if (/[\r\n]/.test(line)) throw fail("it printed more than one line");
  return line;
}

function fail(why: string, cause?: unknown): HoldfastError {
  return new HoldfastError("denied", `Cannot get the passphrase from --passphrase-command: ${why}`, {
    hint: "Run the command by hand: it must print the passphrase as one line and exit with 0.",
    cause,
  });
}
