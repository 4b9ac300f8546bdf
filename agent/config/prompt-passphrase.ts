import { on } from "node:events";
import { HoldfastError } from "#shared/errors.ts";

/** The terminal that a passphrase is asked on. */
export type PromptTerminal = {
  readonly input: PromptInput;
  readonly output: { write(text: string): unknown };
};

/** The part of a terminal's read stream that asking needs. */
export type PromptInput = NodeJS.EventEmitter & {
  setRawMode(raw: boolean): unknown;
  resume(): unknown;
  pause(): unknown;
};

const passphraseBytesMax = 4096;

/**
 * Asks `question` on the terminal and returns the line typed, without showing it. Backspace and Ctrl-U work. What was typed
 * ahead beyond the line is dropped.
 *
 * @throws {HoldfastError} interrupted: Ctrl-C, Ctrl-D on an empty line, or `signal`
 */
export async function promptPassphrase(
  terminal: PromptTerminal,
  question: string,
  signal: AbortSignal,
): Promise<string> {
  const { input, output } = terminal;
  signal.throwIfAborted();
  output.write(question);
  input.setRawMode(true);
  try {
    return await readLine(input, signal);
  } finally {
    input.setRawMode(false);
    input.pause();
    output.write("\n");
  }
}

async function readLine(input: PromptInput, signal: AbortSignal): Promise<string> {
  let line: number[] = [];
  const chunks: AsyncIterable<Buffer[]> = on(input, "data", { signal, close: ["end"] });
  input.resume();
  for await (const [chunk] of chunks) {
    for (const byte of chunk!) {
      if (byte === 0x0d || byte === 0x0a) return Buffer.from(line).toString("utf8");
      if (byte === 0x03 || (byte === 0x04 && line.length === 0)) throw stopped();
      if (byte === 0x7f || byte === 0x08) line = withoutLastCharacter(line);
      else if (byte === 0x15) line = [];
      else if (byte >= 0x20 && line.length < passphraseBytesMax) line.push(byte);
    }
  }
  throw stopped();
}

function stopped(): HoldfastError {
  return new HoldfastError("interrupted", "Stopped while asking for the passphrase");
}

/** Drops one UTF-8 character, of one or more bytes, from the end. */
function withoutLastCharacter(line: readonly number[]): number[] {
  let end = line.length - 1;
  while (end > 0 && (line[end]! & 0xc0) === 0x80) end -= 1;
  return line.slice(0, Math.max(0, end));
}
