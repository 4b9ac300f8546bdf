import { readlinkSync } from "node:fs";
import { isAbsolute, resolve } from "node:path";
import { displayName } from "#agent/render/display-name.ts";
import { HoldfastError } from "#shared/errors.ts";

/**
 * A path as typed, made absolute by the working directory.
 *
 * @throws {HoldfastError} invalid: it is relative, and the working directory has a name that is not UTF-8, for which Node gives another
 * @throws {HoldfastError} absent: it is relative, and the working directory was removed
 */
export function absolutePath(text: string): string {
  if (isAbsolute(text)) return resolve(text);
  const directory = workingDirectory(text);
  const bytes = directory.includes("\ufffd") ? bytesOfWorkingDirectory() : undefined;
  if (bytes !== undefined && !bytes.equals(Buffer.from(directory, "utf8"))) {
    const shown = displayName(bytes.toString("latin1"));
    throw new HoldfastError("invalid", `Cannot use ${text} in ${shown}: the directory's name is not UTF-8`, {
      hint: "Go to a directory above it.",
    });
  }
  return resolve(directory, text);
}

function workingDirectory(text: string): string {
  try {
    return process.cwd();
  } catch (cause) {
    throw new HoldfastError("absent", `Cannot use ${text}: the working directory is no longer there`, {
      hint: "Go to another directory, or write paths from the root on.",
      cause,
    });
  }
}

/** Where the system says them. */
function bytesOfWorkingDirectory(): Buffer | undefined {
  try {
    return readlinkSync("/proc/self/cwd", { encoding: "buffer" });
  } catch {
    return undefined;
  }
}
