import { realpathSync } from "node:fs";
import { filesystemError } from "#agent/filesystem/filesystem-error.ts";
import { nodePath } from "#agent/filesystem/node-path.ts";
import { statPath } from "#agent/filesystem/stat-path.ts";
import type { ScanRecord } from "#shared/connectors/importer.ts";
import { entryTypes } from "#shared/format/entry.ts";

/**
 * The directories that lead to a path of this host, "/" first, as the kernel enters them: of a link the directory that it leads to. None for "/".
 *
 * @param root - absolute and binary
 * @throws {HoldfastError} one cannot be looked at
 */
export function parentRecords(root: string): ScanRecord[] {
  if (root === "/") return [];
  const names = root.slice(1).split("/").slice(0, -1);
  return ["/", ...names.map((_, depth) => `/${names.slice(0, depth + 1).join("/")}`)].map(recordOf);
}

function recordOf(path: string): ScanRecord {
  const slash = path.lastIndexOf("/");
  const real = realPath(path);
  const stat = statPath(real);
  return {
    dir: path.slice(1, Math.max(1, slash)),
    name: path.slice(slash + 1),
    path: real,
    type: entryTypes.directory,
    mode: stat.mode,
    uid: stat.uid,
    gid: stat.gid,
    nlink: 1,
    size: 0,
    blocks512: 0,
    // Nothing compares these: they are of use for files with several names only.
    device: 0,
    inodeHi: 0,
    inodeLo: 0,
    mtimeSec: stat.mtimeSec,
    mtimeNsec: stat.mtimeNsec,
    ctimeSec: stat.ctimeSec,
    ctimeNsec: stat.ctimeNsec,
    btimeSec: stat.btimeSec,
    btimeNsec: stat.btimeNsec,
    rdevMajor: 0,
    rdevMinor: 0,
  };
}

function realPath(path: string): string {
  try {
    return realpathSync.native(nodePath(path), { encoding: "latin1" });
  } catch (error) {
    throw filesystemError("look at", path, error);
  }
}
