import { open } from "node:fs/promises";
import { HoldfastError, isHoldfastError } from "#shared/errors.ts";

/** Bytes that such a file may have. */
const limitBytes = 4 * 1024 * 1024;

/**
 * The text of a file that holds secrets.
 *
 * @param what - what it is, for messages: "access rules"
 * @throws {HoldfastError} denied: others than its owner may read it, or it may not be read
 * @throws {HoldfastError} absent, or invalid: it is too large
 */
export async function readGuardedFile(path: string, what: string): Promise<string> {
  try {
    const file = await open(path, "r");
    try {
      const { mode, size } = await file.stat();
      if ((mode & 0o077) !== 0) {
        throw new HoldfastError("denied", `Cannot use ${path}: others may read it, and it holds secrets`, {
          hint: `Run \`chmod 600 ${path}\`.`,
        });
      }
      if (size > limitBytes) throw new HoldfastError("invalid", `Cannot use ${path}: it is too large for ${what}`);
      return await file.readFile("utf8");
    } finally {
      await file.close();
    }
  } catch (cause) {
    if (isHoldfastError(cause)) throw cause;
    const { code, message } = cause as NodeJS.ErrnoException;
    const kind = code === "ENOENT" ? "absent" : code === "EACCES" || code === "EPERM" ? "denied" : "unavailable";
    throw new HoldfastError(kind, `Cannot read the ${what} ${path}: ${message}`, { cause });
  }
}
