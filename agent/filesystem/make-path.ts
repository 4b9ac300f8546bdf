import { existsSync, mkdirSync, statSync } from "node:fs";
import { errnoOf, filesystemError } from "./filesystem-error.ts";
import { nodePath } from "./node-path.ts";

/**
 * Makes a directory and those that lead to it, where they are not there.
 *
 * Not by Node's own recursive way: it tells ENOENT of a read-only filesystem, and never returns where ENOENT is the truth, as
 * below /proc.
 *
 * @param path - absolute binary path
 * @param mode - of the directories that are made, before the umask
 * @throws {HoldfastError} as `filesystemError` says
 */
export function makePath(path: string, mode = 0o777): void {
  const above = path.slice(0, Math.max(1, path.lastIndexOf("/")));
  if (above !== path && !existsSync(nodePath(above))) makePath(above, mode);
  try {
    mkdirSync(nodePath(path), { mode });
  } catch (error) {
    if (errnoOf(error).name === "EEXIST" && isDirectory(path)) return;
    throw filesystemError("make the directory", path, error);
  }
}

function isDirectory(path: string): boolean {
  return statSync(nodePath(path), { throwIfNoEntry: false })?.isDirectory() === true;
}
