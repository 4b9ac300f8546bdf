import { existsSync, mkdirSync } from "node:fs";
import { errnoOf, filesystemError } from "./filesystem-error.ts";
import { nodePath } from "./node-path.ts";

/**
 * Makes a directory and those that lead to it, where they are not there.
 *
 * @param path - absolute binary path
 * @param mode - of the directories that are made, before the umask
 * @throws {HoldfastError} as `filesystemError` says
 */
export function makePath(path: string, mode = 0o777): void {
  try {
    mkdirSync(nodePath(path), { recursive: true, mode });
  } catch (error) {
    if (errnoOf(error).name !== "ENOENT") throw filesystemError("make the directory", path, error);
    makeMissing(path, mode);
  }
}

/** The same one by one: for a path of several directories Node tells ENOENT of what is really a read-only filesystem. */
function makeMissing(path: string, mode: number): void {
  const above = path.slice(0, Math.max(1, path.lastIndexOf("/")));
  if (above !== path && !existsSync(nodePath(above))) makeMissing(above, mode);
  try {
    mkdirSync(nodePath(path), { mode });
  } catch (error) {
    if (errnoOf(error).name !== "EEXIST") throw filesystemError("make the directory", path, error);
  }
}
