import { chmod, mkdir, stat } from "node:fs/promises";
import { HoldfastError } from "#shared/errors.ts";

/**
 * Makes sure that `path` is a directory of this user that nobody else can enter: makes it, with its parents, mode 0700;
 * takes the rights of others away if it was there.
 *
 * @throws {HoldfastError} denied: it belongs to another user, or cannot be made
 * @throws {HoldfastError} unavailable: the disk is full or read-only
 */
export async function privateDirectory(path: string): Promise<string> {
  try {
    await mkdir(path, { recursive: true, mode: 0o700 });
    const found = await stat(path);
    const user = process.getuid?.();
    if (user !== undefined && found.uid !== user) {
      throw new HoldfastError("denied", `Cannot use ${path}: it belongs to another user (uid ${found.uid})`, {
        hint: "Set HOME, XDG_CACHE_HOME or XDG_DATA_HOME to a directory of the user that runs the agent.",
      });
    }
    if ((found.mode & 0o077) !== 0) await chmod(path, 0o700);
    return path;
  } catch (error) {
    if (error instanceof HoldfastError) throw error;
    const { code, message } = error as NodeJS.ErrnoException;
    const kind = code === "ENOSPC" || code === "EDQUOT" || code === "EROFS" ? "unavailable" : "denied";
    throw new HoldfastError(kind, `Cannot make the directory ${path}: ${message}`, { cause: error });
  }
}
