import { type BigIntStats, fstatSync, lstatSync } from "node:fs";
import { createEntryStat, type EntryStat, entryTypeOf } from "./entry-stat.ts";
import { errnoOf, filesystemError } from "./filesystem-error.ts";
import { type Libc, libc, longestPathBytes, workingDirectory } from "./libc.ts";
import { viaShortPath } from "./long-path.ts";
import { nodePath } from "./node-path.ts";

const noFollow = 0x100;
const noAutomount = 0x800;
const emptyPath = 0x1000;
/** What `statx` is asked for, and how, to look at an entry. */
export const statxFlags = noFollow | noAutomount;
export const statxMask = 0xfff;
const birth = 0x800;

/**
 * Looks at an entry without following a symlink.
 *
 * @param path - binary path; relative to `directoryFd` when that is given, which is the fastest way
 * @throws {HoldfastError} absent, denied, unavailable: as `filesystemError` says
 */
export function statPath(path: string, directoryFd: number = workingDirectory): EntryStat {
  const out = createEntryStat();
  const errno = statInto(path, out, directoryFd);
  if (errno !== 0) throw filesystemError("look at", path, errno);
  return out;
}

/**
 * `statPath` without allocation: fills `out`.
 *
 * @returns 0, or the errno, when `out` is unchanged
 */
export function statInto(path: string, out: EntryStat, directoryFd: number = workingDirectory): number {
  if (path.length > longestPathBytes) {
    return viaShortPath(path, directoryFd, (name, fd) => statInto(name, out, fd));
  }
  const c = libc();
  if (c === undefined) return fillByNode(out, () => lstatSync(nodePath(path, directoryFd), { bigint: true }));
  if (c.statx(directoryFd, c.putPath(path), statxFlags, statxMask, c.fields) !== 0) return c.errno();
  decodeStatx(c, out);
  return 0;
}

/** `statInto` of what an open descriptor (also one on a place only) stands for. @returns 0, or the errno */
export function statOpenInto(fd: number, out: EntryStat): number {
  const c = libc();
  if (c === undefined) return fillByNode(out, () => fstatSync(fd, { bigint: true }));
  if (c.statx(fd, c.putPath(""), emptyPath | noFollow, statxMask, c.fields) !== 0) return c.errno();
  decodeStatx(c, out);
  return 0;
}

const high = 0x1_0000_0000;

/** `struct statx` of linux/stat.h, little-endian. */
function decodeStatx(c: Libc, out: EntryStat): void {
  const u32 = c.fieldsU32;
  const i32 = c.fieldsI32;
  const fullMode = c.fieldsU16[14] ?? 0;
  out.type = entryTypeOf(fullMode);
  out.mode = fullMode & 0o7777;
  out.attributes = u32[2] ?? 0;
  out.nlink = u32[4] ?? 0;
  out.uid = u32[5] ?? 0;
  out.gid = u32[6] ?? 0;
  out.inodeLo = u32[8] ?? 0;
  out.inodeHi = u32[9] ?? 0;
  out.size = (u32[11] ?? 0) * high + (u32[10] ?? 0);
  out.blocks512 = (u32[13] ?? 0) * high + (u32[12] ?? 0);
  out.hasBtime = ((u32[0] ?? 0) & birth) !== 0;
  out.btimeSec = out.hasBtime ? (i32[21] ?? 0) * high + (u32[20] ?? 0) : 0;
  out.btimeNsec = out.hasBtime ? (u32[22] ?? 0) : 0;
  out.ctimeSec = (i32[25] ?? 0) * high + (u32[24] ?? 0);
  out.ctimeNsec = u32[26] ?? 0;
  out.mtimeSec = (i32[29] ?? 0) * high + (u32[28] ?? 0);
  out.mtimeNsec = u32[30] ?? 0;
  out.rdevMajor = u32[32] ?? 0;
  out.rdevMinor = u32[33] ?? 0;
  out.deviceMajor = u32[34] ?? 0;
  out.deviceMinor = u32[35] ?? 0;
}

function fillByNode(out: EntryStat, look: () => BigIntStats): number {
  let stats: BigIntStats;
  try {
    stats = look();
  } catch (error) {
    const errno = errnoOf(error);
    if (errno.number === 0) throw error;
    return errno.number;
  }
  const fullMode = Number(stats.mode);
  out.type = entryTypeOf(fullMode);
  out.mode = fullMode & 0o7777;
  out.attributes = 0;
  out.nlink = Number(stats.nlink);
  out.uid = Number(stats.uid);
  out.gid = Number(stats.gid);
  out.inodeLo = Number(stats.ino & 0xffff_ffffn);
  out.inodeHi = Number((stats.ino >> 32n) & 0xffff_ffffn);
  out.size = Number(stats.size);
  out.blocks512 = Number(stats.blocks);
  out.hasBtime = stats.birthtimeNs !== 0n;
  out.btimeSec = seconds(stats.birthtimeNs);
  out.btimeNsec = nanoseconds(stats.birthtimeNs);
  out.ctimeSec = seconds(stats.ctimeNs);
  out.ctimeNsec = nanoseconds(stats.ctimeNs);
  out.mtimeSec = seconds(stats.mtimeNs);
  out.mtimeNsec = nanoseconds(stats.mtimeNs);
  out.rdevMajor = deviceMajor(stats.rdev);
  out.rdevMinor = deviceMinor(stats.rdev);
  out.deviceMajor = deviceMajor(stats.dev);
  out.deviceMinor = deviceMinor(stats.dev);
  return 0;
}

const billion = 1_000_000_000n;

function nanoseconds(ns: bigint): number {
  return Number(((ns % billion) + billion) % billion);
}

function seconds(ns: bigint): number {
  return Number((ns - (((ns % billion) + billion) % billion)) / billion);
}

/** `gnu_dev_major`. */
function deviceMajor(device: bigint): number {
  return Number(((device >> 8n) & 0xfffn) | ((device >> 32n) & 0xffff_f000n));
}

/** `gnu_dev_minor`. */
function deviceMinor(device: bigint): number {
  return Number((device & 0xffn) | ((device >> 12n) & 0xffff_ff00n));
}
