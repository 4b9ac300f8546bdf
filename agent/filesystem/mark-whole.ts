import { closeSync, constants, fsyncSync, lutimesSync, openSync } from "node:fs";
import { changedTime } from "./apply-metadata.ts";
import { createEntryStat } from "./entry-stat.ts";
import { libc, longestPathBytes, workingDirectory } from "./libc.ts";
import { openShortPath } from "./long-path.ts";
import { type MetadataProblem, metadataProblem } from "./metadata-problem.ts";
import { nodePath } from "./node-path.ts";
import type { ParentTraits } from "./parent-traits.ts";
import { putTimes } from "./put-times.ts";
import { statInto } from "./stat-path.ts";

/** A time of modification. */
export type ModificationTime = { readonly mtimeSec: number; readonly mtimeNsec: number };

const noFollow = 0x100;
const stat = createEntryStat();
/** Whole even seconds from 1980 to 2038 are kept everywhere. */
const firstKeptSec = 315_532_800;
const endOfKeptSec = 0x8000_0000;

/**
 * Gives a file from `finishFile` its time of modification. Size and time are what a later restore tells a whole file by: this comes when the content
 * is durable, or else a power cut leaves files that look whole and hold zeros.
 *
 * @param traits - of the directory that the file is in
 * @returns the problem that kept the time from being set, or from being kept as it is
 */
export function markWhole(
  path: string,
  time: ModificationTime,
  traits: ParentTraits,
  directoryFd: number = workingDirectory,
): MetadataProblem | undefined {
  if (path.length > longestPathBytes) {
    const short = openShortPath(path, directoryFd);
    try {
      return markWhole(short.name, time, traits, short.directoryFd);
    } finally {
      short.close();
    }
  }
  const c = libc();
  if (c === undefined) return markByNode(path, time, directoryFd);
  const times = putTimes(c, time.mtimeSec, time.mtimeNsec);
  if (c.utimensat(directoryFd, c.putPath(path), times, noFollow) !== 0) return metadataProblem("mtime", c.errno());
  if (!mayLoseTime(time, traits)) return undefined;
  const errno = statInto(path, stat, directoryFd);
  const lost = errno === 0 ? changedTime(stat, time) : metadataProblem("mtime", errno);
  if (lost === undefined) learnKeptTime(time, traits);
  return lost;
}

/** Makes a file or directory durable by itself, where the filesystem cannot be synced as a whole. What cannot be opened is left. */
export function syncEntry(path: string, directoryFd: number = workingDirectory): void {
  let fd: number;
  try {
    fd = openSync(nodePath(path, directoryFd), constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  } catch {
    return;
  }
  try {
    fsyncSync(fd);
  } catch (error) {
    if (!isUnsupported(error)) throw error;
  } finally {
    closeSync(fd);
  }
}

function isUnsupported(error: unknown): boolean {
  return ["EINVAL", "ENOTSUP", "EOPNOTSUPP", "EROFS"].includes(String((error as NodeJS.ErrnoException).code));
}

function markByNode(path: string, { mtimeSec, mtimeNsec }: ModificationTime, directoryFd: number) {
  const mtime = mtimeSec + mtimeNsec / 1e9;
  const place = nodePath(path, directoryFd);
  try {
    lutimesSync(place, mtime, mtime);
    return undefined;
  } catch (error) {
    return metadataProblem("mtime", error);
  }
}

/** Whether the filesystem must be asked for the time that was set: it rounds or clamps in silence what it cannot keep. */
function mayLoseTime({ mtimeSec, mtimeNsec }: ModificationTime, traits: ParentTraits): boolean {
  if (mtimeSec < firstKeptSec || mtimeSec >= endOfKeptSec) return true;
  if (mtimeNsec !== 0) return traits.keptTimes !== "nanoseconds";
  return mtimeSec % 2 !== 0 && traits.keptTimes === "unknown";
}

/** Takes note of a time that was kept. FAT keeps even seconds only, others whole seconds, microseconds, or 100 ns. */
function learnKeptTime({ mtimeSec, mtimeNsec }: ModificationTime, traits: ParentTraits): void {
  if (mtimeNsec % 100 !== 0) traits.keptTimes = "nanoseconds";
  else if (mtimeSec % 2 !== 0 && traits.keptTimes === "unknown") traits.keptTimes = "seconds";
}
