import { realpathSync } from "node:fs";
import { filesystemError } from "./filesystem-error.ts";
import { nodePath } from "./node-path.ts";

/**
 * Where a path leads when all its symlinks are followed, as a binary string.
 *
 * @param path - absolute binary path
 * @throws {HoldfastError} absent: it leads nowhere; else as `filesystemError` says
 */
export function realPath(path: string): string {
  try {
    return realpathSync.native(nodePath(path), { encoding: "buffer" }).toString("latin1");
  } catch (error) {
    throw filesystemError("follow", path, error);
  }
}

/** The directory that a path is in; "/" of "/". */
export function pathAbove(path: string): string {
  return path.slice(0, Math.max(1, path.lastIndexOf("/")));
}

/**
 * A path with the links followed that lead to its last name, and that name as it is, be it a link or not.
 *
 * @param path - absolute binary path
 * @throws {HoldfastError} as `realPath`
 */
export function pathInRealDirectory(path: string): string {
  const bare = path.replace(/\/+$/, "");
  const name = bare.slice(bare.lastIndexOf("/") + 1);
  if (name === "" || name === "." || name === "..") return realPath(path);
  const above = realPath(pathAbove(bare));
  return above === "/" ? `/${name}` : `${above}/${name}`;
}
