import { HoldfastError } from "#shared/errors.ts";
import { readBoundedFile } from "./read-bounded-file.ts";

/** Bytes that such a file may have. */
const limitBytes = 4 * 1024 * 1024;

/**
 * The text of a file that holds secrets.
 *
 * @param what - what it is, for messages: "access rules"
 * @throws {HoldfastError} denied: others than its owner may read it, or it may not be read
 * @throws {HoldfastError} absent, or invalid: it is too large
 */
export async function readGuardedFile(path: string, what: string, signal: AbortSignal): Promise<string> {
  const content = await readBoundedFile({
    path,
    what,
    limitBytes,
    signal,
    allow(mode) {
      if ((mode & 0o077) === 0) return;
      throw new HoldfastError("denied", `Cannot use ${path}: others may read it, and it holds secrets`, {
        hint: `Run \`chmod 600 ${path}\`.`,
      });
    },
  });
  return content.toString("utf8");
}
