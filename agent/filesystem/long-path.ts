import { closeSync, constants, openSync } from "node:fs";
import { errnoOf, filesystemError } from "./filesystem-error.ts";
import { longestPathBytes, openCloseOnExec, openPath, workingDirectory } from "./libc.ts";
import { nodePath } from "./node-path.ts";

/** A place reached through an open directory: `name` has at most `longestPathBytes` bytes. `close` gives the directory back. */
export type ShortPath = { readonly name: string; readonly directoryFd: number; close(): void };

/** Room that `/proc/self/fd/N/` needs before a part of a path. */
const aliasBytes = 32;

/**
 * Makes a path of any length usable: descends by open directories, a part of at most 4 KiB at a time, and returns the
 * last part with the directory that it starts from. Meant for paths longer than `longestPathBytes`, on Linux; a shorter
 * one comes back as it is.
 *
 * The directory is a descriptor of the process, so other threads can use it too. Every ShortPath must be closed once.
 *
 * @throws {HoldfastError} as `filesystemError` says; nothing stays open then
 */
export function openShortPath(path: string, directoryFd: number = workingDirectory): ShortPath {
  let rest = path;
  let at = directoryFd;
  let owned = false;
  const close = (): void => {
    if (owned) closeSync(at);
    owned = false;
  };
  while (rest.length > longestPathBytes - aliasBytes) {
    let cut = rest.lastIndexOf("/", longestPathBytes - aliasBytes);
    while (cut > 0 && rest.charCodeAt(cut - 1) === 0x2f) cut--;
    if (cut <= 0) {
      close();
      throw filesystemError("use", path, 36);
    }
    let next: number;
    try {
      next = openSync(
        nodePath(rest.slice(0, cut), at),
        openPath | openCloseOnExec | constants.O_DIRECTORY | constants.O_RDONLY,
      );
    } catch (error) {
      close();
      throw filesystemError("open", path, error);
    }
    close();
    at = next;
    owned = true;
    rest = rest.slice(cut).replace(/^\/+/, "");
    if (rest === "") rest = ".";
  }
  return { name: rest, directoryFd: at, close };
}

/**
 * Runs a call that returns 0 or an errno on a path of any length.
 *
 * @returns what the call returns, or the errno that kept its directory from being opened
 */
export function viaShortPath(
  path: string,
  directoryFd: number,
  use: (name: string, directoryFd: number) => number,
): number {
  let short: ShortPath;
  try {
    short = openShortPath(path, directoryFd);
  } catch (error) {
    const cause = error instanceof Error && error.cause !== undefined ? errnoOf(error.cause).number : 36;
    return cause;
  }
  try {
    return use(short.name, short.directoryFd);
  } finally {
    short.close();
  }
}
