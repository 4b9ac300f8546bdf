import { closeSync, openSync } from "node:fs";
import { ReadStream, WriteStream } from "node:tty";
import type { PromptTerminal } from "./prompt-passphrase.ts";

/** The process's terminal, whatever its standard streams are connected to; undefined when it has none. */
export function controllingTerminal(): (PromptTerminal & { close(): void }) | undefined {
  let readFd;
  let writeFd;
  try {
    readFd = openSync("/dev/tty", "r");
    writeFd = openSync("/dev/tty", "w");
    const input = new ReadStream(readFd);
    const output = new WriteStream(writeFd);
    const close = () => {
      input.destroy();
      output.destroy();
    };
    return { input, output, close };
  } catch (error) {
    if (readFd !== undefined) closeSync(readFd);
    if (writeFd !== undefined) closeSync(writeFd);
    if (["ENXIO", "ENOENT", "EACCES", "ENOTTY", "ENODEV"].includes((error as NodeJS.ErrnoException).code ?? ""))
      return undefined;
    throw error;
  }
}
