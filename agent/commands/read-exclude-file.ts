import { readBoundedFile } from "#agent/config/read-bounded-file.ts";

const limitBytes = 16 * 2 ** 20;

/**
 * The lines of a file of patterns, as binary strings, in order; gitignore's own rules for blank lines and `#` apply later.
 *
 * @throws {HoldfastError} absent, denied or invalid (more than 16 MiB)
 */
export async function readExcludeFile(path: string, signal: AbortSignal): Promise<readonly string[]> {
  const content = await readBoundedFile({ path, what: "exclude file", limitBytes, signal });
  return content.toString("latin1").split(/\r?\n/);
}
