import { closeSync, constants, openSync, readSync } from "node:fs";
import { filesystemError } from "./filesystem-error.ts";
import { libc, longestPathBytes, openCloseOnExec, workingDirectory } from "./libc.ts";
import { openShortPath } from "./long-path.ts";
import { nodePath } from "./node-path.ts";

const flags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK | constants.O_NOCTTY;
const noAtime = process.platform === "linux" ? constants.O_NOATIME : 0;
const notPermitted = 1;
const interrupted = 4;

/** Where a file is: its name as seen from an open directory. */
export type FilePlace = { readonly name: string; readonly directoryFd: number };

/**
 * Opens an ordinary file for reading: never through a symlink, never blocking on a FIFO that took its place, and leaving
 * its time of access alone where that is permitted. Close it with `closeFile`.
 *
 * @param place - the same file, where a directory that leads to it is open; then `path` is for the message of an error only
 * @throws {HoldfastError} as `filesystemError` says
 */
export function openFile(path: string, place: FilePlace = { name: path, directoryFd: workingDirectory }): number {
  const { name, directoryFd } = place;
  if (name.length > longestPathBytes) {
    const short = openShortPath(name, directoryFd);
    try {
      return openFile(path, short);
    } finally {
      short.close();
    }
  }
  const c = libc();
  if (c === undefined) return openByNode(path, place);
  const address = c.putPath(name);
  let fd = c.openat(directoryFd, address, flags | noAtime | openCloseOnExec, 0);
  // Only the owner and root may leave the time of access alone.
  if (fd < 0 && c.errno() === notPermitted) fd = c.openat(directoryFd, address, flags | openCloseOnExec, 0);
  if (fd < 0) throw filesystemError("open", path, c.errno());
  return fd;
}

function openByNode(path: string, { name, directoryFd }: FilePlace): number {
  const place = nodePath(name, directoryFd);
  try {
    return openSync(place, flags | noAtime);
  } catch (error) {
    if (!(error instanceof Error) || !("code" in error) || error.code !== "EPERM") {
      throw filesystemError("open", path, error);
    }
  }
  try {
    return openSync(place, flags);
  } catch (error) {
    throw filesystemError("open", path, error);
  }
}

/**
 * Reads from an open file at `offset` until `into` is full or the file ends.
 *
 * @returns bytes read; fewer than `into` has only at the end of the file
 * @throws {HoldfastError} as `filesystemError` says
 */
export function readAt(fd: number, into: Uint8Array, offset: number, path: string): number {
  const c = libc();
  let filled = 0;
  while (filled < into.byteLength) {
    const rest = filled === 0 ? into : into.subarray(filled);
    let count: number;
    if (c === undefined) {
      try {
        count = readSync(fd, rest, 0, rest.byteLength, offset + filled);
      } catch (error) {
        throw filesystemError("read", path, error);
      }
    } else {
      count = c.pread(fd, rest, rest.byteLength, offset + filled);
      if (count < 0) {
        const errno = c.errno();
        if (errno === interrupted) continue;
        throw filesystemError("read", path, errno);
      }
    }
    if (count === 0) break;
    filled += count;
  }
  return filled;
}

/** Closes a file that was opened for reading. */
export function closeFile(fd: number): void {
  const c = libc();
  if (c === undefined) closeSync(fd);
  else c.close(fd);
}
