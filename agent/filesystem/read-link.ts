import { readlinkSync } from "node:fs";
import { filesystemError } from "./filesystem-error.ts";
import { dataBytes, libc, longestPathBytes, workingDirectory } from "./libc.ts";
import { openShortPath } from "./long-path.ts";
import { nodePath } from "./node-path.ts";

/**
 * The target of a symlink, as a binary string, whatever its bytes.
 *
 * @throws {HoldfastError} invalid: not a symlink; else as `filesystemError` says
 */
export function readLink(path: string, directoryFd: number = workingDirectory): string {
  if (path.length > longestPathBytes) {
    const short = openShortPath(path, directoryFd);
    try {
      return readLink(short.name, short.directoryFd);
    } finally {
      short.close();
    }
  }
  const c = libc();
  if (c === undefined) {
    try {
      return readlinkSync(nodePath(path, directoryFd), "latin1");
    } catch (error) {
      throw filesystemError("read the symlink", path, error);
    }
  }
  const length = c.readlinkat(directoryFd, c.putPath(path), c.data, dataBytes);
  if (length < 0) throw filesystemError("read the symlink", path, c.errno());
  return c.dataView.latin1Slice(0, length);
}
