import { linkSync, mkdirSync, rmdirSync, symlinkSync, unlinkSync } from "node:fs";
import { withoutLibc } from "./apply-flags.ts";
import { errnoOf, filesystemError } from "./filesystem-error.ts";
import { libc, longestPathBytes, workingDirectory } from "./libc.ts";
import { openShortPath } from "./long-path.ts";
import { type MetadataProblem, metadataProblem } from "./metadata-problem.ts";
import { nodePath } from "./node-path.ts";

/** An entry that is made by `mknod`. */
export type SpecialNode =
  | { readonly type: "fifo" }
  | { readonly type: "socket" }
  | { readonly type: "character-device" | "block-device"; readonly rdevMajor: number; readonly rdevMinor: number };

const nodeModes = {
  fifo: 0o010000,
  socket: 0o140000,
  "character-device": 0o020000,
  "block-device": 0o060000,
} as const;

/**
 * Makes a FIFO, a device or a socket that is not there, with mode 0600. The name of a socket comes back; a program that
 * listens on it does not.
 *
 * @returns undefined, or the problem that kept it from being made: devices take privileges, all of them take koffi
 * @throws {HoldfastError} conflict: something is there already; absent: the directory is not there
 */
export function makeSpecial(
  path: string,
  node: SpecialNode,
  directoryFd: number = workingDirectory,
): MetadataProblem | undefined {
  if (path.length > longestPathBytes) {
    const short = openShortPath(path, directoryFd);
    try {
      return makeSpecial(short.name, node, short.directoryFd);
    } finally {
      short.close();
    }
  }
  const c = libc();
  if (c === undefined) return withoutLibc(node.type);
  const device = "rdevMajor" in node ? deviceNumber(node.rdevMajor, node.rdevMinor) : 0n;
  if (c.mknodat(directoryFd, c.putPath(path), nodeModes[node.type] | 0o600, device) === 0) return undefined;
  const errno = c.errno();
  const name = errnoOf(errno).name;
  if (name === "EEXIST" || name === "ENOENT" || name === "ENOTDIR") throw filesystemError("make", path, errno);
  return metadataProblem(node.type, errno);
}

/** `gnu_dev_makedev`. */
function deviceNumber(major: number, minor: number): bigint {
  const high = BigInt(major >>> 0);
  const low = BigInt(minor >>> 0);
  return ((high & 0xffff_f000n) << 32n) | ((high & 0xfffn) << 8n) | ((low & 0xffff_ff00n) << 12n) | (low & 0xffn);
}

/**
 * Makes a symlink that is not there, with any bytes but NUL as its target.
 *
 * @throws {HoldfastError} conflict: something is there already; invalid: an empty target; else as `filesystemError` says
 */
export function makeSymlink(path: string, target: string, directoryFd: number = workingDirectory): void {
  if (path.length > longestPathBytes) {
    const short = openShortPath(path, directoryFd);
    try {
      makeSymlink(short.name, target, short.directoryFd);
    } finally {
      short.close();
    }
    return;
  }
  const c = libc();
  if (c === undefined) {
    try {
      symlinkSync(nodePath(target), nodePath(path, directoryFd));
    } catch (error) {
      throw filesystemError("make the symlink", path, error);
    }
  } else if (c.symlinkat(c.putOtherPath(target), directoryFd, c.putPath(path)) !== 0) {
    throw filesystemError("make the symlink", path, c.errno());
  }
}

/**
 * Gives an entry, a symlink itself included, a second name.
 *
 * @throws {HoldfastError} conflict: something has that name already, or it is on another filesystem; else as
 *   `filesystemError` says
 */
export function makeHardLink(
  existing: { readonly path: string; readonly directoryFd?: number },
  created: { readonly path: string; readonly directoryFd?: number },
): void {
  const from = openShortPath(existing.path, existing.directoryFd ?? workingDirectory);
  try {
    const to = openShortPath(created.path, created.directoryFd ?? workingDirectory);
    try {
      linkShort(from, to, created.path);
    } finally {
      to.close();
    }
  } finally {
    from.close();
  }
}

type Place = { readonly name: string; readonly directoryFd: number };

function linkShort(from: Place, to: Place, shown: string): void {
  const c = libc();
  if (c === undefined) {
    try {
      linkSync(nodePath(from.name, from.directoryFd), nodePath(to.name, to.directoryFd));
    } catch (error) {
      throw filesystemError("link", shown, error);
    }
  } else if (c.linkat(from.directoryFd, c.putOtherPath(from.name), to.directoryFd, c.putPath(to.name), 0) !== 0) {
    throw filesystemError("link", shown, c.errno());
  }
}

/**
 * Makes a directory that only its maker may enter until `applyMetadata` gives it its mode.
 *
 * @returns false when something by that name is there already; look at it before going into it
 * @throws {HoldfastError} as `filesystemError` says
 */
export function makeDirectory(path: string, directoryFd: number = workingDirectory): boolean {
  if (path.length > longestPathBytes) {
    const short = openShortPath(path, directoryFd);
    try {
      return makeDirectory(short.name, short.directoryFd);
    } finally {
      short.close();
    }
  }
  const c = libc();
  const alreadyThere = 17;
  if (c === undefined) {
    try {
      mkdirSync(nodePath(path, directoryFd), 0o700);
      return true;
    } catch (error) {
      if (errnoOf(error).number === alreadyThere) return false;
      throw filesystemError("make the directory", path, error);
    }
  }
  if (c.mkdirat(directoryFd, c.putPath(path), 0o700) === 0) return true;
  const errno = c.errno();
  if (errno === alreadyThere) return false;
  throw filesystemError("make the directory", path, errno);
}

/**
 * Removes one name: a directory when it is empty, anything else as it is (a symlink itself).
 *
 * @returns false when there was nothing by that name
 * @throws {HoldfastError} as `filesystemError` says
 */
export function removeEntry(
  path: string,
  kind: "directory" | "other",
  directoryFd: number = workingDirectory,
): boolean {
  if (path.length > longestPathBytes) {
    const short = openShortPath(path, directoryFd);
    try {
      return removeEntry(short.name, kind, short.directoryFd);
    } finally {
      short.close();
    }
  }
  const c = libc();
  const absent = 2;
  if (c === undefined) {
    const place = nodePath(path, directoryFd);
    try {
      if (kind === "directory") rmdirSync(place);
      else unlinkSync(place);
      return true;
    } catch (error) {
      if (errnoOf(error).number === absent) return false;
      throw filesystemError("remove", path, error);
    }
  }
  if (c.unlinkat(directoryFd, c.putPath(path), kind === "directory" ? 0x200 : 0) === 0) return true;
  const errno = c.errno();
  if (errno === absent) return false;
  throw filesystemError("remove", path, errno);
}
