import { readFile } from "node:fs/promises";
import { HoldfastError } from "#shared/errors.ts";

const fileBytesMax = 16 * 2 ** 20;

/**
 * The lines of a file of patterns, as binary strings, in order; gitignore's own rules for blank lines and `#` apply later.
 *
 * @throws {HoldfastError} absent, denied or invalid (more than 16 MiB)
 */
export async function readExcludeFile(path: string): Promise<readonly string[]> {
  let content;
  try {
    content = await readFile(path);
  } catch (error) {
    const kind = (error as NodeJS.ErrnoException).code === "ENOENT" ? "absent" : "denied";
    throw new HoldfastError(kind, `Cannot read the patterns in ${path}: ${(error as Error).message}`, { cause: error });
  }
  if (content.length > fileBytesMax) {
    throw new HoldfastError("invalid", `Cannot read the patterns in ${path}: it has more than ${fileBytesMax} bytes`);
  }
  return content.toString("latin1").split(/\r?\n/);
}
