import { closeSync, constants, fchmodSync, fchownSync, ftruncateSync, openSync, writeSync } from "node:fs";
import { accessAcl, applyExtendedOpen } from "./apply-extended.ts";
import { applyFlagsOpen } from "./apply-flags.ts";
import { type ApplyOptions, droppedBits, lostBits, modeForOwner } from "./apply-metadata.ts";
import type { EntryMetadata } from "./entry-metadata.ts";
import { createEntryStat } from "./entry-stat.ts";
import { filesystemError } from "./filesystem-error.ts";
import { lateFlags } from "./file-flags.ts";
import { type Libc, libc, longestPathBytes, openCloseOnExec, workingDirectory } from "./libc.ts";
import { openShortPath } from "./long-path.ts";
import { type MetadataProblem, metadataProblem, noProblems } from "./metadata-problem.ts";
import { nodePath } from "./node-path.ts";
import { learnParentTraits, type ParentTraits } from "./parent-traits.ts";
import { statOpenInto } from "./stat-path.ts";

const createNew = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW;
const interrupted = 4;
const same = 0xffff_ffff;
const noCopyOnWrite = 0x80_0000;

/** A new file: where it goes and what it will be. */
export type NewFile = {
  /** Binary path, relative to `directoryFd` when that is given, which is the fastest way. */
  readonly path: string;
  readonly directoryFd?: number;
  readonly metadata: EntryMetadata;
  /** Of the directory that it is created in: one object for all files there. */
  readonly traits: ParentTraits;
};

/**
 * The bits to create a file with. Whom the group of the moment may be is unknown until the owner is put back, so the
 * group gets no more than everyone; a file that is to get extended attributes must be writable to get them.
 */
function creationMode(metadata: EntryMetadata, traits: ParentTraits): number {
  let mode = metadata.mode & 0o777;
  if (traits.uid !== metadata.uid || traits.gid !== metadata.gid) mode &= 0o707 | ((mode & 0o7) << 3);
  return metadata.extended.length > 0 ? mode | 0o200 : mode;
}

/**
 * Creates an ordinary file that is not there, never through a symlink in its place.
 *
 * @returns a descriptor open for writing, for `writeAt`, `setFileSize` and at last `finishFile`
 * @throws {HoldfastError} conflict: something is there already; else as `filesystemError` says
 */
export function createFile({ path, directoryFd = workingDirectory, metadata, traits }: NewFile): number {
  if (path.length > longestPathBytes) {
    const short = openShortPath(path, directoryFd);
    try {
      return createFile({ path: short.name, directoryFd: short.directoryFd, metadata, traits });
    } finally {
      short.close();
    }
  }
  const mode = creationMode(metadata, traits);
  const c = libc();
  let fd: number;
  if (c === undefined) {
    try {
      fd = openSync(nodePath(path, directoryFd), createNew, mode);
    } catch (error) {
      throw filesystemError("create", path, error);
    }
  } else {
    fd = c.openat(directoryFd, c.putPath(path), createNew | openCloseOnExec, mode);
    if (fd < 0) throw filesystemError("create", path, c.errno());
  }
  if (!traits.learned) {
    learnParentTraits(traits, fd, mode, directoryFd);
    // What is now known may allow other bits than were asked for; `finishFile` reckons with those.
    if (creationMode(metadata, traits) !== mode) changeMode(fd, creationMode(metadata, traits) & ~traits.umask);
  }
  // Some filesystems take "no copy on write" only while a file is empty; `finishFile` reports where it did not hold.
  if (((metadata.flags ?? 0) & noCopyOnWrite) !== 0) applyFlagsOpen(fd, noCopyOnWrite);
  return fd;
}

function changeMode(fd: number, mode: number): void {
  const c = libc();
  if (c === undefined) fchmodSync(fd, mode);
  else c.fchmod(fd, mode);
}

/**
 * Writes all of `data` at `offset`; what was never written below the file's size reads as zeros and takes no room.
 *
 * @throws {HoldfastError} unavailable: no space, or the disk fails; else as `filesystemError` says
 */
export function writeAt(fd: number, data: Uint8Array, offset: number, path: string): void {
  const c = libc();
  let written = 0;
  while (written < data.byteLength) {
    const rest = written === 0 ? data : data.subarray(written);
    if (c === undefined) {
      try {
        written += writeSync(fd, rest, 0, rest.byteLength, offset + written);
      } catch (error) {
        throw filesystemError("write", path, error);
      }
      continue;
    }
    const count = c.pwrite(fd, rest, rest.byteLength, offset + written);
    if (count >= 0) written += count;
    else if (c.errno() !== interrupted) throw filesystemError("write", path, c.errno());
  }
}

/**
 * Sets the size of a file that is being written: the way to a hole at its end, or all through it.
 *
 * @throws {HoldfastError} as `filesystemError` says
 */
export function setFileSize(fd: number, sizeBytes: number, path: string): void {
  const c = libc();
  if (c === undefined) {
    try {
      ftruncateSync(fd, sizeBytes);
    } catch (error) {
      throw filesystemError("set the size of", path, error);
    }
  } else if (c.ftruncate(fd, sizeBytes) !== 0) {
    throw filesystemError("set the size of", path, c.errno());
  }
}

/**
 * Puts the metadata on a file from `createFile` whose content is written, and closes it. Owner, extended attributes,
 * mode and flags, each only where creating did not give it already. The time is left to `markWhole`, immutable and append-only
 * to `applyLateFlags`.
 *
 * @returns a problem for each attribute that could not be restored
 * @throws {HoldfastError} when closing shows that the content was not written after all; the descriptor is closed
 */
export function finishFile(fd: number, file: NewFile, options: ApplyOptions): readonly MetadataProblem[] {
  const c = libc();
  return c === undefined
    ? finishByNode(fd, file.path, file.metadata, options)
    : finish(c, fd, file.path, file.metadata, file.traits, options);
}

/** Closes a file from `createFile` that will not be finished. */
export function abandonFile(fd: number): void {
  const c = libc();
  if (c === undefined) closeSync(fd);
  else c.close(fd);
}

const stat = createEntryStat();

function finish(
  c: Libc,
  fd: number,
  path: string,
  metadata: EntryMetadata,
  traits: ParentTraits,
  options: ApplyOptions,
): readonly MetadataProblem[] {
  let problems: MetadataProblem[] | undefined;
  const given = creationMode(metadata, traits) & ~traits.umask;
  let mode = metadata.mode;
  let uid = traits.uid;
  let gid = traits.gid;

  if (options.owner && (uid !== metadata.uid || gid !== metadata.gid)) {
    if (c.fchown(fd, metadata.uid, metadata.gid) === 0) {
      uid = metadata.uid;
      gid = metadata.gid;
    } else {
      const errno = c.errno();
      if (uid !== metadata.uid) (problems ??= []).push(metadataProblem("owner", errno));
      if (gid !== metadata.gid) {
        if (c.fchown(fd, same, metadata.gid) === 0) gid = metadata.gid;
        else (problems ??= []).push(metadataProblem("group", c.errno()));
      }
    }
  }

  const hasExtended = metadata.extended.length > 0;
  if (hasExtended || traits.givesAcl) {
    if (traits.givesAcl) c.fremovexattr(fd, c.putName(accessAcl));
    const failed = applyExtendedOpen(fd, metadata.extended);
    if (failed.length > 0) (problems ??= []).push(...failed);
  }

  if ((mode & 0o7000) !== 0) {
    mode = modeForOwner(mode, metadata, uid, gid);
    if (mode !== metadata.mode) (problems ??= []).push(droppedBits);
  }
  if (mode !== given || hasExtended || traits.givesAcl) {
    if (c.fchmod(fd, mode) !== 0) (problems ??= []).push(metadataProblem("mode", c.errno()));
    else if ((mode & 0o7000) !== 0 && statOpenInto(fd, stat) === 0 && stat.mode !== mode) {
      (problems ??= []).push(lostBits);
    }
  }

  const flags = metadata.flags;
  if (flags !== undefined && ((flags & ~lateFlags) !== 0 || traits.givesFlags)) {
    const failed = applyFlagsOpen(fd, flags);
    if (failed.length > 0) (problems ??= []).push(...failed);
  }
  if (c.close(fd) !== 0 && c.errno() !== interrupted) throw filesystemError("write", path, c.errno());
  return problems ?? noProblems;
}

function finishByNode(
  fd: number,
  path: string,
  metadata: EntryMetadata,
  options: ApplyOptions,
): readonly MetadataProblem[] {
  const problems: MetadataProblem[] = [];
  const attempt = (attribute: string, step: () => void): void => {
    try {
      step();
    } catch (error) {
      problems.push(metadataProblem(attribute, error));
    }
  };
  let uid = -1;
  let gid = -1;
  if (statOpenInto(fd, stat) === 0) ({ uid, gid } = stat);
  if (options.owner && (uid !== metadata.uid || gid !== metadata.gid)) {
    attempt("owner", () => {
      fchownSync(fd, metadata.uid, metadata.gid);
      uid = metadata.uid;
      gid = metadata.gid;
    });
  }
  problems.push(...applyExtendedOpen(fd, metadata.extended));
  const mode = modeForOwner(metadata.mode, metadata, uid, gid);
  if (mode !== metadata.mode) problems.push(droppedBits);
  attempt("mode", () => fchmodSync(fd, mode));
  if (metadata.flags !== undefined && (metadata.flags & ~lateFlags) !== 0) {
    problems.push(...applyFlagsOpen(fd, metadata.flags));
  }
  try {
    closeSync(fd);
  } catch (error) {
    throw filesystemError("write", path, error);
  }
  return problems.length === 0 ? noProblems : problems;
}
