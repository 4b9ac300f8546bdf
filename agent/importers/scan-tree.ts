import type { ScanProblem, ScanRecord } from "#shared/connectors/importer.ts";
import { isHoldfastError } from "#shared/errors.ts";
import { entryTypes } from "#shared/format/entry.ts";
import type { EntryStat } from "#agent/filesystem/entry-stat.ts";
import { filesystemError } from "#agent/filesystem/filesystem-error.ts";
import { closeDirectory, openDirectory, sortedNames } from "#agent/filesystem/list-directory.ts";
import { statInto, statPath } from "#agent/filesystem/stat-path.ts";
import { entryTypeNumbers } from "./entry-type-numbers.ts";
import type { ExcludeRules } from "./exclude-rules.ts";

/** What of a filesystem is scanned. */
export type ScanOptions = {
  /** Absolute path, as a binary string. */
  readonly root: string;
  readonly excludes: ExcludeRules | undefined;
  /** Whether directories on other filesystems are left out. */
  readonly oneFileSystem: boolean;
  /** Directories that are passed over, as binary paths. */
  readonly skip: readonly string[];
};

/** Statx attribute: the entry is the root of a mount. */
const mountRoot = 0x2000;
const absent = 2;

/**
 * Everything at and below a root, in tree order: each directory's entries by name, then what is in its directories, in turn.
 *
 * The record is reused. What vanishes between the listing and the look is passed over; what cannot be read is told to
 * `onProblem`. Memory: the names of one directory, and of the directories still to be entered.
 *
 * @throws {HoldfastError} the root itself cannot be looked at
 */
export function* scanTree(options: ScanOptions, onProblem: (problem: ScanProblem) => void): Generator<ScanRecord> {
  const stat = statPath(options.root);
  const record = newRecord();
  fill(record, stat, { dir: "", name: "", path: options.root });
  const rootDevice = record.device;
  yield record;
  if (record.type !== entryTypes.directory) return;
  // Directories that are still to be listed, the next one last.
  const pending: string[] = [""];
  for (let dir = pending.pop(); dir !== undefined; dir = pending.pop()) {
    const subdirectories: string[] = [];
    yield* scanDirectory(dir, { options, record, stat, rootDevice, subdirectories, onProblem });
    for (let index = subdirectories.length - 1; index >= 0; index--) pending.push(subdirectories[index] ?? "");
  }
}

type Scan = {
  readonly options: ScanOptions;
  readonly record: ScanRecord;
  readonly stat: EntryStat;
  readonly rootDevice: number;
  readonly subdirectories: string[];
  readonly onProblem: (problem: ScanProblem) => void;
};

function* scanDirectory(dir: string, scan: Scan): Generator<ScanRecord> {
  const { record, stat, onProblem } = scan;
  const { root, excludes, oneFileSystem, skip } = scan.options;
  const path = dir === "" ? root : root === "/" ? `/${dir}` : `${root}/${dir}`;
  let fd: number;
  try {
    fd = openDirectory(path);
  } catch (error) {
    onProblem(problemOf(path, error));
    return;
  }
  try {
    const prefix = path === "/" ? "/" : `${path}/`;
    for (const name of namesOf(fd, path, onProblem)) {
      const errno = statInto(name, stat, fd);
      if (errno !== 0) {
        if (errno !== absent) onProblem(problemOf(prefix + name, filesystemError("look at", prefix + name, errno)));
        continue;
      }
      const isDirectory = stat.type === "directory";
      if (excludes?.(dir === "" ? name : `${dir}/${name}`, isDirectory) === true) continue;
      if (isDirectory && skip.includes(prefix + name)) continue;
      fill(record, stat, { dir, name, path: prefix + name });
      const isElsewhere = record.device !== scan.rootDevice || (stat.attributes & mountRoot) !== 0;
      yield record;
      if (isDirectory && !(oneFileSystem && isElsewhere))
        scan.subdirectories.push(dir === "" ? name : `${dir}/${name}`);
    }
  } finally {
    closeDirectory(fd);
  }
}

function namesOf(fd: number, path: string, onProblem: (problem: ScanProblem) => void): Iterable<string> {
  try {
    return sortedNames(fd, path);
  } catch (error) {
    onProblem(problemOf(path, error));
    return [];
  }
}

function problemOf(path: string, error: unknown): ScanProblem {
  if (!isHoldfastError(error)) throw error;
  return { path, kind: String(error.detail["errno"] ?? error.kind), message: error.message };
}

function fill(
  record: ScanRecord,
  stat: EntryStat,
  place: { readonly dir: string; readonly name: string; readonly path: string },
): void {
  record.dir = place.dir;
  record.name = place.name;
  record.path = place.path;
  record.type = entryTypeNumbers[stat.type];
  record.mode = stat.mode;
  record.uid = stat.uid;
  record.gid = stat.gid;
  record.nlink = stat.nlink;
  record.size = stat.size;
  record.blocks512 = stat.blocks512;
  record.device = stat.deviceMajor * 0x1_0000_0000 + stat.deviceMinor;
  record.inodeHi = stat.inodeHi;
  record.inodeLo = stat.inodeLo;
  record.mtimeSec = stat.mtimeSec;
  record.mtimeNsec = stat.mtimeNsec;
  record.ctimeSec = stat.ctimeSec;
  record.ctimeNsec = stat.ctimeNsec;
  record.btimeSec = stat.btimeSec;
  record.btimeNsec = stat.btimeNsec;
  record.rdevMajor = stat.rdevMajor;
  record.rdevMinor = stat.rdevMinor;
}

/** A record with nothing in it. */
export function newRecord(): ScanRecord {
  return {
    dir: "",
    name: "",
    path: "",
    type: entryTypes.file,
    mode: 0,
    uid: 0,
    gid: 0,
    nlink: 0,
    size: 0,
    blocks512: 0,
    device: 0,
    inodeHi: 0,
    inodeLo: 0,
    mtimeSec: 0,
    mtimeNsec: 0,
    ctimeSec: 0,
    ctimeNsec: 0,
    btimeSec: 0,
    btimeNsec: 0,
    rdevMajor: 0,
    rdevMinor: 0,
  };
}
