import { chmodSync, closeSync, constants, lchownSync, lstatSync, lutimesSync, openSync } from "node:fs";
import { replaceExtended, replaceExtendedOpen } from "./apply-extended.ts";
import { applyFlagsOpen } from "./apply-flags.ts";
import type { EntryMetadata } from "./entry-metadata.ts";
import { createEntryStat, type EntryStat } from "./entry-stat.ts";
import { type Libc, libc, longestPathBytes, openCloseOnExec, workingDirectory } from "./libc.ts";
import { openShortPath } from "./long-path.ts";
import { type MetadataProblem, metadataProblem, noProblems } from "./metadata-problem.ts";
import { nodePath } from "./node-path.ts";
import { putTimes } from "./put-times.ts";
import { statInto, statOpenInto } from "./stat-path.ts";

/** Choices of a restore that concern every entry. */
export type ApplyOptions = {
  /** Whether owner and group are put back; what is restored belongs to whoever restores otherwise. */
  readonly owner: boolean;
};

const noFollow = 0x100;
const same = 0xffff_ffff;

/**
 * Puts back the metadata of an entry that is there: a directory after what is in it, a symlink (its own metadata), a
 * FIFO, a device, a socket, or a file whose content is already right. New files go through `finishFile`, which is faster.
 *
 * In this order, because the earlier steps undo the later: owner, extended attributes (chown drops capabilities), mode
 * (chown drops setuid), time, flags. Immutable and append-only are left to `applyLateFlags`.
 *
 * @returns a problem for each attribute that could not be restored; none of them keeps the rest from being restored
 */
export function applyMetadata(
  path: string,
  metadata: EntryMetadata,
  options: ApplyOptions,
  directoryFd: number = workingDirectory,
): readonly MetadataProblem[] {
  if (path.length > longestPathBytes) {
    const short = openShortPath(path, directoryFd);
    try {
      return applyMetadata(short.name, metadata, options, short.directoryFd);
    } finally {
      short.close();
    }
  }
  const c = libc();
  if (c === undefined) return applyByNode(path, metadata, options, directoryFd);
  if (metadata.type === "directory" || metadata.type === "file") {
    const fd = openToApply(c, path, metadata.type, directoryFd);
    if (fd >= 0) {
      const failed = applyOpen(c, fd, metadata, options);
      c.close(fd);
      return failed;
    }
  }
  const problems: MetadataProblem[] = [];
  const isLink = metadata.type === "symlink";
  if (options.owner) applyOwner(c, path, metadata, directoryFd, problems);
  if (!isLink || metadata.extended.length > 0) {
    problems.push(...replaceExtended(path, metadata.extended, directoryFd));
  }
  if (!isLink) applyMode(c, path, metadata, directoryFd, problems);
  const times = putTimes(c, metadata.mtimeSec, metadata.mtimeNsec);
  const timesErrno = c.utimensat(directoryFd, c.putPath(path), times, noFollow) === 0 ? 0 : c.errno();
  if (statInto(path, stat, directoryFd) === 0) {
    const changed = changedTime(stat, metadata);
    if (changed !== undefined) problems.push(timesErrno === 0 ? changed : metadataProblem("mtime", timesErrno));
  }
  // The flags of what cannot be opened cannot be set.
  if (
    metadata.flags !== undefined &&
    metadata.flags !== 0 &&
    (metadata.type === "directory" || metadata.type === "file")
  ) {
    problems.push(metadataProblem("flags", 13));
  }
  return problems.length === 0 ? noProblems : problems;
}

function openToApply(c: Libc, path: string, type: "directory" | "file", directoryFd: number): number {
  const flags = type === "directory" ? directoryFlags : fileFlags;
  return c.openat(directoryFd, c.putPath(path), flags, 0);
}

const fileFlags =
  constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOFOLLOW | constants.O_NOCTTY | openCloseOnExec;
const directoryFlags = constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW | openCloseOnExec;

/** The same by a descriptor: each step costs a third of what it costs by path. */
function applyOpen(c: Libc, fd: number, metadata: EntryMetadata, options: ApplyOptions): readonly MetadataProblem[] {
  let problems: MetadataProblem[] | undefined;
  const { uid, gid } = metadata;
  if (statOpenInto(fd, stat) !== 0) return [metadataProblem("metadata", c.errno())];
  let nowUid = stat.uid;
  let nowGid = stat.gid;
  if (options.owner && (nowUid !== uid || nowGid !== gid)) {
    if (c.fchown(fd, uid, gid) === 0) {
      nowUid = uid;
      nowGid = gid;
    } else {
      const errno = c.errno();
      if (nowUid !== uid) (problems ??= []).push(metadataProblem("owner", errno));
      if (nowGid !== gid) {
        if (c.fchown(fd, same, gid) === 0) nowGid = gid;
        else (problems ??= []).push(metadataProblem("group", c.errno()));
      }
    }
  }
  // Its owner may change the attributes of what is writable only; the mode is put back below.
  if ((stat.mode & 0o200) === 0 && process.geteuid?.() !== 0) c.fchmod(fd, stat.mode | 0o200);
  const unset = replaceExtendedOpen(fd, metadata.extended);
  if (unset.length > 0) (problems ??= []).push(...unset);

  const mode = metadata.type === "directory" ? metadata.mode : modeForOwner(metadata.mode, metadata, nowUid, nowGid);
  if (mode !== metadata.mode) (problems ??= []).push(droppedBits);
  const modeErrno = c.fchmod(fd, mode) === 0 ? 0 : c.errno();

  const timesErrno = c.futimens(fd, putTimes(c, metadata.mtimeSec, metadata.mtimeNsec)) === 0 ? 0 : c.errno();
  if (statOpenInto(fd, stat) === 0) {
    // What may not be changed at all, such as an immutable file, may be as it is to be.
    if (stat.mode !== mode) {
      if (modeErrno !== 0) (problems ??= []).push(metadataProblem("mode", modeErrno));
      else if ((mode & 0o7000) !== 0) (problems ??= []).push(lostBits);
    }
    const changed = changedTime(stat, metadata);
    if (changed !== undefined) {
      (problems ??= []).push(timesErrno === 0 ? changed : metadataProblem("mtime", timesErrno));
    }
  }
  if (metadata.flags !== undefined) {
    const failed = applyFlagsOpen(fd, metadata.flags);
    if (failed.length > 0) (problems ??= []).push(...failed);
  }
  return problems ?? noProblems;
}

/** The problem of a time that a filesystem rounded or clamped; undefined when it kept it. */
export function changedTime(
  now: EntryStat,
  wanted: Pick<EntryMetadata, "mtimeSec" | "mtimeNsec">,
): MetadataProblem | undefined {
  if (now.mtimeSec === wanted.mtimeSec && now.mtimeNsec === wanted.mtimeNsec) return undefined;
  return {
    attribute: "mtime",
    errno: "",
    message: "the filesystem keeps another time than the one stored",
    isOfFilesystem: true,
  };
}

const stat = createEntryStat();

function applyOwner(
  c: Libc,
  path: string,
  metadata: EntryMetadata,
  directoryFd: number,
  problems: MetadataProblem[],
): void {
  if (c.fchownat(directoryFd, c.putPath(path), metadata.uid, metadata.gid, noFollow) === 0) return;
  const errno = c.errno();
  // Who may not give an entry away may still choose among its own groups, or have the right owner already.
  const groupErrno = c.fchownat(directoryFd, c.putPath(path), same, metadata.gid, noFollow) === 0 ? 0 : c.errno();
  if (statInto(path, stat, directoryFd) === 0 && stat.uid === metadata.uid && stat.gid === metadata.gid) return;
  if (stat.uid !== metadata.uid) problems.push(metadataProblem("owner", errno));
  if (stat.gid !== metadata.gid) problems.push(metadataProblem("group", groupErrno === 0 ? errno : groupErrno));
}

function applyMode(
  c: Libc,
  path: string,
  metadata: EntryMetadata,
  directoryFd: number,
  problems: MetadataProblem[],
): void {
  let mode = metadata.mode;
  if ((mode & 0o6000) !== 0 && metadata.type !== "directory") {
    // A program runs as its owner only when that is the owner it was stored with.
    const errno = statInto(path, stat, directoryFd);
    mode = modeForOwner(mode, metadata, errno === 0 ? stat.uid : -1, errno === 0 ? stat.gid : -1);
  }
  if (c.fchmodat(directoryFd, c.putPath(path), mode, noFollow) !== 0) {
    const errno = c.errno();
    if (statInto(path, stat, directoryFd) !== 0 || stat.mode !== mode) problems.push(metadataProblem("mode", errno));
    return;
  }
  if (mode !== metadata.mode) {
    problems.push(droppedBits);
  } else if ((mode & 0o7000) !== 0 && statInto(path, stat, directoryFd) === 0 && stat.mode !== mode) {
    problems.push(lostBits);
  }
}

/** What is reported where setuid, setgid or sticky was set and did not stay. */
export const lostBits: MetadataProblem = {
  attribute: "mode",
  errno: "EPERM",
  message: "the system did not keep setuid, setgid or sticky",
};

/** What is reported where setuid or setgid would have made a program run as somebody else than it was stored with. */
export const droppedBits: MetadataProblem = {
  attribute: "mode",
  errno: "EPERM",
  message: "setuid or setgid is left off because the owner could not be restored",
};

/** A mode without setuid where the owner is not the stored one, and without setgid where the group is not. */
export function modeForOwner(mode: number, wanted: EntryMetadata, uid: number, gid: number): number {
  let allowed = mode;
  if (uid !== wanted.uid) allowed &= ~0o4000;
  if (gid !== wanted.gid) allowed &= ~0o2000;
  return allowed;
}

function applyByNode(
  path: string,
  metadata: EntryMetadata,
  options: ApplyOptions,
  directoryFd: number,
): readonly MetadataProblem[] {
  const problems: MetadataProblem[] = [];
  const place = nodePath(path, directoryFd);
  const attempt = (attribute: string, step: () => void): boolean => {
    try {
      step();
      return true;
    } catch (error) {
      problems.push(metadataProblem(attribute, error));
      return false;
    }
  };
  if (options.owner) {
    const now = lstatSync(place);
    if (now.uid !== metadata.uid || now.gid !== metadata.gid) {
      attempt("owner", () => lchownSync(place, metadata.uid, metadata.gid));
    }
  }
  problems.push(...replaceExtended(path, metadata.extended, directoryFd));
  if (metadata.type !== "symlink") {
    attempt("mode", () => {
      const now = lstatSync(place);
      if (now.isSymbolicLink()) throw new Error("a symlink took its place");
      const mode = modeForOwner(metadata.mode, metadata, now.uid, now.gid);
      if (mode !== metadata.mode && metadata.type !== "directory") problems.push(droppedBits);
      chmodSync(place, metadata.type === "directory" ? metadata.mode : mode);
    });
  }
  const mtime = metadata.mtimeSec + metadata.mtimeNsec / 1e9;
  attempt("mtime", () => lutimesSync(place, mtime, mtime));
  if (metadata.flags !== undefined && metadata.flags !== 0) {
    attempt("flags", () => {
      const fd = openSync(place, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
      problems.push(...applyFlagsOpen(fd, metadata.flags ?? 0));
      closeSync(fd);
    });
  }
  return problems.length === 0 ? noProblems : problems;
}
