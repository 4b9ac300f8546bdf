import { createEntryStat } from "./entry-stat.ts";
import { type Libc, libc, openCloseOnExec } from "./libc.ts";
import { closeDirectory, listOpenDirectory, openDirectory } from "./list-directory.ts";
import { statOpenInto } from "./stat-path.ts";
import { isTemporaryName } from "./temporary-name.ts";
import { constants } from "node:fs";
import { isHoldfastError } from "#shared/errors.ts";

/** `LOCK_EX | LOCK_NB`. */
const lockNow = 2 | 4;
const stat = createEntryStat();

/** Marks an open temporary file as in use, until it is closed. */
export function lockTemporary(fd: number): void {
  libc()?.flock(fd, lockNow);
}

/**
 * Removes from a directory the temporary files that a restore left when it was killed: those with a name that `temporaryName` makes, regular, of this
 * user, with one link, and locked by nobody. Where the C library is not reached, or the directory cannot be read, nothing.
 *
 * @param directoryFd - an open place on the directory
 * @returns how many were removed
 */
export function removeLeftovers(directoryFd: number): number {
  const c = libc();
  if (c === undefined) return 0;
  let fd: number;
  let names: readonly string[];
  try {
    fd = openDirectory(".", directoryFd);
  } catch (error) {
    if (isHoldfastError(error)) return 0;
    throw error;
  }
  try {
    names = listOpenDirectory(fd, "");
    return names.filter((name) => isTemporaryName(name) && removeIfAbandoned(c, name, fd)).length;
  } catch (error) {
    if (isHoldfastError(error)) return 0;
    throw error;
  } finally {
    closeDirectory(fd);
  }
}

const openFlags =
  constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK | constants.O_NOCTTY | openCloseOnExec;

function removeIfAbandoned(c: Libc, name: string, directoryFd: number): boolean {
  const fd = c.openat(directoryFd, c.putPath(name), openFlags, 0);
  if (fd < 0) return false;
  try {
    if (statOpenInto(fd, stat) !== 0) return false;
    const isOurs = stat.type === "file" && stat.nlink === 1;
    if (!isOurs || (stat.uid !== process.geteuid?.() && process.geteuid?.() !== 0)) return false;
    return c.flock(fd, lockNow) === 0 && c.unlinkat(directoryFd, c.putPath(name), 0) === 0;
  } finally {
    c.close(fd);
  }
}
