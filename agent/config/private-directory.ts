import { chmod, stat } from "node:fs/promises";
import { filesystemError } from "#agent/filesystem/filesystem-error.ts";
import { makePath } from "#agent/filesystem/make-path.ts";
import { binaryPath } from "#agent/filesystem/node-path.ts";
import { HoldfastError } from "#shared/errors.ts";

/**
 * Makes sure that `path` is a directory of this user that nobody else can enter: makes it, with its parents, mode 0700;
 * takes the rights of others away if it was there.
 *
 * @throws {HoldfastError} denied: it belongs to another user, or may not be made
 * @throws {HoldfastError} conflict: there is something else
 * @throws {HoldfastError} unavailable: the disk is full or read-only
 */
export async function privateDirectory(path: string): Promise<string> {
  try {
    makePath(binaryPath(path), 0o700);
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
    throw filesystemError("use the directory", binaryPath(path), error);
  }
}
