import { constants } from "node:fs";
import { fileFlags, lateFlags, settableFlags } from "./file-flags.ts";
import { libc, longestPathBytes, openCloseOnExec, workingDirectory } from "./libc.ts";
import { openShortPath } from "./long-path.ts";
import { type MetadataProblem, metadataProblem, noProblems } from "./metadata-problem.ts";

const getFlags = 0x8008_6601;
const setFlags = 0x4008_6602;

/** Whether an entry's flags hold some that must wait for `applyLateFlags`. */
export function hasLateFlags(flags: number | undefined): boolean {
  return flags !== undefined && (flags & lateFlags) !== 0;
}

/**
 * Gives an open file or directory its chattr flags, those that are not `lateFlags`; clears what it has beyond them.
 *
 * @param flags - bits of `fileFlags`
 * @returns a problem for each flag that could not be set or cleared
 */
export function applyFlagsOpen(fd: number, flags: number): readonly MetadataProblem[] {
  return change(fd, flags & ~lateFlags, settableFlags & ~lateFlags);
}

/**
 * Makes a file or directory immutable or append-only where its flags say so: at the very end of a restore, when nothing
 * below it and no link to it is still to come.
 *
 * @returns a problem for each flag that could not be set
 */
export function applyLateFlags(
  path: string,
  flags: number,
  directoryFd: number = workingDirectory,
): readonly MetadataProblem[] {
  if (!hasLateFlags(flags)) return noProblems;
  const c = libc();
  if (c === undefined) return lettersOf(flags & lateFlags).map((letter) => withoutLibc(`flag ${letter}`));
  if (path.length > longestPathBytes) {
    const short = openShortPath(path, directoryFd);
    try {
      return applyLateFlags(short.name, flags, short.directoryFd);
    } finally {
      short.close();
    }
  }
  const how = constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOFOLLOW | constants.O_NOCTTY | openCloseOnExec;
  const fd = c.openat(directoryFd, c.putPath(path), how, 0);
  if (fd < 0) {
    const errno = c.errno();
    return lettersOf(flags & lateFlags).map((letter) => metadataProblem(`flag ${letter}`, errno));
  }
  try {
    return change(fd, flags & lateFlags, lateFlags);
  } finally {
    c.close(fd);
  }
}

/** Takes immutable and append-only from what has them, so that it can be written. @returns whether it has neither now */
export function liftLateFlags(path: string, directoryFd: number): boolean {
  const c = libc();
  if (c === undefined) return false;
  const how = constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOFOLLOW | constants.O_NOCTTY | openCloseOnExec;
  const fd = c.openat(directoryFd, c.putPath(path), how, 0);
  if (fd < 0) return false;
  try {
    return change(fd, 0, lateFlags).length === 0;
  } finally {
    c.close(fd);
  }
}

/** The problem of an attribute that takes koffi to restore. */
export function withoutLibc(attribute: string): MetadataProblem {
  return { attribute, errno: "ENOSYS", message: "it takes the optional package koffi, which is not there" };
}

function lettersOf(flags: number): string[] {
  return Object.keys(fileFlags).filter((letter) => (flags & (fileFlags[letter] ?? 0)) !== 0);
}

function change(fd: number, wanted: number, among: number): readonly MetadataProblem[] {
  const c = libc();
  if (c === undefined) return lettersOf(wanted).map((letter) => withoutLibc(`flag ${letter}`));
  c.fieldsU32[0] = 0;
  if (c.ioctl(fd, getFlags, c.fields) !== 0) {
    const errno = c.errno();
    return lettersOf(wanted).map((letter) => metadataProblem(`flag ${letter}`, errno));
  }
  const present = (c.fieldsU32[0] ?? 0) >>> 0;
  const differing = (present ^ wanted) & among;
  if (differing === 0) return noProblems;
  c.fieldsU32[0] = present ^ differing;
  if (c.ioctl(fd, setFlags, c.fields) === 0 && verified(fd, wanted, among)) return noProblems;
  return changeOneByOne(fd, present, differing);
}

/** Some filesystems accept flags that they do not keep. */
function verified(fd: number, wanted: number, among: number): boolean {
  const c = libc();
  if (c === undefined) return false;
  c.fieldsU32[0] = 0;
  return c.ioctl(fd, getFlags, c.fields) === 0 && (((c.fieldsU32[0] ?? 0) ^ wanted) & among) === 0;
}

/** One flag that a filesystem does not know fails all of them in one call. */
function changeOneByOne(fd: number, before: number, differing: number): readonly MetadataProblem[] {
  const c = libc();
  if (c === undefined) return noProblems;
  const problems: MetadataProblem[] = [];
  for (const letter of lettersOf(differing)) {
    const bit = fileFlags[letter] ?? 0;
    c.fieldsU32[0] = 0;
    const known = c.ioctl(fd, getFlags, c.fields) === 0;
    const present = known ? (c.fieldsU32[0] ?? 0) >>> 0 : before;
    const wanted = (before ^ bit) & bit;
    if ((present & bit) === wanted) continue;
    c.fieldsU32[0] = present ^ bit;
    if (c.ioctl(fd, setFlags, c.fields) !== 0) problems.push(metadataProblem(`flag ${letter}`, c.errno()));
    else if (!verified(fd, wanted, bit)) {
      problems.push({ attribute: `flag ${letter}`, errno: "", message: "the filesystem did not keep it" });
    }
  }
  return problems;
}
