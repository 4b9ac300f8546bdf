import type { ScanProblem, ScanRecord } from "#shared/connectors/importer.ts";
import { comparePaths, entryTypes } from "#shared/format/entry.ts";
import type { EntryStat } from "#agent/filesystem/entry-stat.ts";
import { closeDirectory, sortedNames } from "#agent/filesystem/list-directory.ts";
import { BeneathRoot } from "#agent/filesystem/open-beneath.ts";
import { statInto, statPath } from "#agent/filesystem/stat-path.ts";
import { absent, AbsentNames } from "./absent-names.ts";
import { entryTypeNumbers } from "./entry-type-numbers.ts";
import type { ExcludeRules } from "./exclude-rules.ts";
import type { ScanFindings } from "./scan-findings.ts";
import type { SkippedDirectories } from "./skipped-directories.ts";
import { packDirectory, type Packing } from "./pack-directory.ts";
import { problemOf, takesEntry, tellFailedLook } from "./take-entry.ts";

/** What of a filesystem is scanned. */
export type ScanOptions = {
  /** Absolute path, as a binary string. */
  readonly root: string;
  readonly excludes: ExcludeRules | undefined;
  /** Whether directories on other filesystems are left out. */
  readonly oneFileSystem: boolean;
  /** Directories that are passed over. */
  readonly skip: SkippedDirectories;
  readonly findings: ScanFindings;
};

/** The key of an entry, by which scans are cut. */
export type ScanKey = { readonly dir: string; readonly name: string };

/** Where a scan goes on that was cut at a key. Two that are equal lead to the same. */
export type ScanPlace = {
  /** The directory that was cut, if it is there: of its names those greater than `name` are to come. */
  readonly dir: string | undefined;
  readonly name: string;
  /** Subdirectories of it that come before the cut. */
  readonly found: readonly string[];
  /** Directories to be entered after it and what is below it, in order. */
  readonly rest: readonly string[];
};

/**
 * Everything at and below a root, in tree order: each directory's entries by name, then what is in its directories, in turn.
 *
 * The record is reused. What vanishes between the listing and the look is passed over, if another listing does not have it either; what
 * cannot be read is told to `onProblem`. Memory: the names of one directory, and of the directories still to be entered.
 *
 * @param use - `packing`: takes directories that are not too large whole, with a pause (undefined) now and then
 * @param range - `from`: where to go on, otherwise at the root; `to`: the last key
 * @returns where a scan goes on that begins after `to`
 * @throws {HoldfastError} the root itself cannot be looked at
 */
export function* scanTree(
  options: ScanOptions,
  {
    onProblem,
    packing,
  }: { readonly onProblem: (problem: ScanProblem) => void; readonly packing?: Packing | undefined },
  range: { readonly from?: ScanPlace | undefined; readonly to?: ScanKey | undefined } = {},
): Generator<ScanRecord | undefined, ScanPlace> {
  const stat = statPath(options.root);
  const record = newRecord();
  fill(record, stat, { dir: "", name: "", path: options.root });
  const beneath = new BeneathRoot(options.root);
  try {
    return yield* scanFrom({ options, record, stat, beneath, rootDevice: record.device, onProblem, packing }, range);
  } finally {
    beneath.close();
  }
}

function* scanFrom(
  scan: Omit<DirectoryScan, "subdirectories" | "after" | "last">,
  { from, to }: { readonly from?: ScanPlace | undefined; readonly to?: ScanKey | undefined },
): Generator<ScanRecord | undefined, ScanPlace> {
  const { record } = scan;
  // Directories that are still to be listed, the next one last.
  const pending: string[] = [];
  if (from === undefined) {
    yield record;
    if (record.type !== entryTypes.directory) return { dir: undefined, name: "", found: [], rest: [] };
    pending.push("");
  } else {
    const subdirectories = [...from.found];
    if (from.dir !== undefined) {
      const isLast = from.dir === to?.dir;
      const last = isLast ? to.name : undefined;
      yield* scanDirectory(from.dir, { ...scan, subdirectories, after: from.name, last });
      if (isLast) return { dir: from.dir, name: to.name, found: subdirectories, rest: from.rest };
    }
    for (const dir of from.rest.toReversed()) pending.push(dir);
    for (const dir of subdirectories.toReversed()) pending.push(dir);
  }
  for (let dir = pending.pop(); dir !== undefined; dir = pending.pop()) {
    const order = to === undefined ? -1 : comparePaths(dir, to.dir);
    if (order > 0) {
      pending.push(dir);
      break;
    }
    const subdirectories: string[] = [];
    const last = order === 0 ? to?.name : undefined;
    yield* scanDirectory(dir, { ...scan, subdirectories, after: "", last });
    if (last !== undefined) return { dir, name: last, found: subdirectories, rest: pending.toReversed() };
    for (let index = subdirectories.length - 1; index >= 0; index--) pending.push(subdirectories[index] ?? "");
  }
  return { dir: undefined, name: to?.name ?? "", found: [], rest: pending.toReversed() };
}

/**
 * Where a scan of the root goes on after a key, by a look at the directories that lead there.
 *
 * @throws {HoldfastError} the root itself cannot be looked at
 */
export function findPlace(options: ScanOptions, key: ScanKey): ScanPlace {
  const stat = statPath(options.root);
  const record = newRecord();
  fill(record, stat, { dir: "", name: "", path: options.root });
  const none = { dir: undefined, name: key.name, found: [], rest: [] };
  if (record.type !== entryTypes.directory) return none;
  const beneath = new BeneathRoot(options.root);
  const silent = { onProblem: () => undefined, packing: undefined };
  try {
    return findFrom({ options, record, stat, beneath, rootDevice: record.device, ...silent }, key, none);
  } finally {
    beneath.close();
  }
}

function findFrom(
  scan: Omit<DirectoryScan, "subdirectories" | "after" | "last">,
  key: ScanKey,
  none: ScanPlace,
): ScanPlace {
  /** Directories to be entered later, of each directory on the way. */
  const later: string[][] = [];
  const restOf = (): string[] => later.toReversed().flat();
  let dir = "";
  for (const part of key.dir === "" ? [] : key.dir.split("/")) {
    later.push(subdirectoriesOf(dir, { ...scan, after: part, last: undefined }));
    const [next] = subdirectoriesOf(dir, { ...scan, after: "", last: part, only: part });
    if (next === undefined) return { ...none, rest: restOf() };
    dir = next;
  }
  const found = subdirectoriesOf(dir, { ...scan, after: "", last: key.name });
  return { dir, name: key.name, found, rest: restOf() };
}

/** The directories in a directory that a scan enters. */
function subdirectoriesOf(dir: string, scan: Omit<DirectoryScan, "subdirectories">): string[] {
  const subdirectories: string[] = [];
  const looks = scanDirectory(dir, { ...scan, subdirectories });
  while (looks.next().done !== true);
  return subdirectories;
}

/** How a directory is scanned. */
export type DirectoryScan = {
  readonly options: ScanOptions;
  readonly record: ScanRecord;
  readonly stat: EntryStat;
  /** Opens directories, and follows no link below the root. */
  readonly beneath: BeneathRoot;
  readonly rootDevice: number;
  readonly subdirectories: string[];
  readonly onProblem: (problem: ScanProblem) => void;
  /** Names up to this one are passed over. */
  readonly after: string;
  /** Names after this one are passed over. */
  readonly last: string | undefined;
  /** The only name that is looked at, if it is there. */
  readonly only?: string;
  readonly packing: Packing | undefined;
};

function* scanDirectory(dir: string, scan: DirectoryScan): Generator<ScanRecord | undefined> {
  const { record, stat, onProblem, after, last, only } = scan;
  const { root } = scan.options;
  const path = dir === "" ? root : root === "/" ? `/${dir}` : `${root}/${dir}`;
  let fd: number;
  try {
    fd = scan.beneath.open(dir, "list");
  } catch (error) {
    onProblem(problemOf(path, error));
    return;
  }
  try {
    const prefix = path === "/" ? "/" : `${path}/`;
    const missing = new AbsentNames({ dir, prefix }, scan);
    const place = { fd, dir, prefix, missing };
    if (scan.packing !== undefined && (yield* packDirectory(place, scan, scan.packing))) return;
    for (const name of only === undefined ? namesOf(fd, path, onProblem) : [only]) {
      if (name <= after) continue;
      if (last !== undefined && name > last) break;
      let errno = statInto(name, stat, fd);
      if (errno === absent) errno = statInto(name, stat, fd);
      if (errno !== 0) {
        if (errno !== absent) tellFailedLook(prefix + name, errno, onProblem);
        else if (only === undefined) missing.note(name);
        continue;
      }
      fill(record, stat, { dir, name, path: prefix + name });
      const looked = {
        isDirectory: stat.type === "directory",
        device: record.device,
        inodeHi: record.inodeHi,
        inodeLo: record.inodeLo,
        attributes: stat.attributes,
      };
      if (takesEntry(scan, { dir, name, prefix }, looked)) yield record;
    }
    missing.tell();
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
