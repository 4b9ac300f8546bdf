import type { Importer, RecordDetails, ScanProblem, ScanRecord } from "#shared/connectors/importer.ts";
import { entryTypes } from "#shared/format/entry.ts";
import { isHoldfastError } from "#shared/errors.ts";
import { createEntryStat, type EntryStat } from "#agent/filesystem/entry-stat.ts";
import { filesystemError } from "#agent/filesystem/filesystem-error.ts";
import { fidelity } from "#agent/filesystem/fidelity.ts";
import { closeDirectory, listOpenDirectory, openDirectory } from "#agent/filesystem/list-directory.ts";
import type { MetadataProblem } from "#agent/filesystem/metadata-problem.ts";
import { OwnerNames } from "#agent/filesystem/owner-names.ts";
import { readExtended } from "#agent/filesystem/read-extended.ts";
import { readFlags } from "#agent/filesystem/read-flags.ts";
import { readLink } from "#agent/filesystem/read-link.ts";
import { statInto, statPath } from "#agent/filesystem/stat-path.ts";
import { entryTypeNumbers } from "./entry-type-numbers.ts";
import type { ExcludeRules } from "./exclude-rules.ts";

/** What to read of a filesystem. */
export type FilesystemImporterOptions = {
  /** Absolute path, as a binary string. */
  readonly root: string;
  readonly host: string;
  readonly excludes: ExcludeRules | undefined;
  /** Whether directories on other filesystems are left out. */
  readonly oneFileSystem: boolean;
  readonly xattrs: boolean;
  /** Directories that are passed over, as binary paths: the store itself. */
  readonly skip: readonly string[];
};

/** Statx attribute: the entry is the root of a mount. */
const mountRoot = 0x2000;

/** Reads a directory tree, or a single file, of this host. */
export class FilesystemImporter implements Importer {
  readonly type = "filesystem";
  readonly origin: string;
  readonly root: string;
  readonly options: ReadonlyMap<string, string>;
  readonly lost: readonly string[];
  readonly content: { readonly moduleUrl: string; readonly options: unknown };
  readonly #options: FilesystemImporterOptions;
  readonly #names = new OwnerNames();
  readonly #uids = new Set<number>();
  readonly #gids = new Set<number>();

  constructor(options: FilesystemImporterOptions) {
    this.#options = options;
    this.origin = options.host;
    this.root = options.root;
    this.options = new Map(options.oneFileSystem ? [["one-file-system", "true"]] : []);
    this.lost = [...fidelity().lost, ...(options.xattrs ? [] : ["Extended attributes were left out, as asked."])];
    this.content = {
      moduleUrl: new URL("./file-content-reader.ts", import.meta.url).href,
      options: { xattrs: options.xattrs },
    };
  }

  userNames(): ReadonlyMap<string, string> {
    return namesOf(this.#uids, (uid) => this.#names.userName(uid));
  }

  groupNames(): ReadonlyMap<string, string> {
    return namesOf(this.#gids, (gid) => this.#names.groupName(gid));
  }

  *scan(onProblem: (problem: ScanProblem) => void): Generator<ScanRecord> {
    const stat = statPath(this.root);
    const record = newRecord();
    this.#fill(record, stat, "", "", this.root);
    const rootDevice = record.device;
    yield record;
    if (record.type !== entryTypes.directory) return;
    // Directories that are still to be listed, the next one last.
    const pending: string[] = [""];
    for (let dir = pending.pop(); dir !== undefined; dir = pending.pop()) {
      const subdirectories: string[] = [];
      yield* this.#scanDirectory(dir, { record, stat, rootDevice, subdirectories, onProblem });
      for (let index = subdirectories.length - 1; index >= 0; index--) pending.push(subdirectories[index] ?? "");
    }
  }

  *#scanDirectory(
    dir: string,
    scan: {
      readonly record: ScanRecord;
      readonly stat: EntryStat;
      readonly rootDevice: number;
      readonly subdirectories: string[];
      readonly onProblem: (problem: ScanProblem) => void;
    },
  ): Generator<ScanRecord> {
    const { record, stat, onProblem } = scan;
    const { excludes, oneFileSystem, skip } = this.#options;
    const base = this.root === "/" ? "" : this.root;
    const path = dir === "" ? this.root : `${base}/${dir}`;
    let fd: number;
    let names: string[];
    try {
      fd = openDirectory(path);
    } catch (error) {
      onProblem(problemOf(path, error));
      return;
    }
    try {
      try {
        names = listOpenDirectory(fd, path);
      } catch (error) {
        onProblem(problemOf(path, error));
        return;
      }
      const prefix = path === "/" ? "/" : `${path}/`;
      for (const name of names) {
        const errno = statInto(name, stat, fd);
        const entryPath = prefix + name;
        if (errno !== 0) {
          // What vanished between the listing and the look was not there to be backed up.
          if (errno !== 2) onProblem(problemOf(entryPath, filesystemError("look at", entryPath, errno)));
          continue;
        }
        const isDirectory = stat.type === "directory";
        if (excludes?.(dir === "" ? name : `${dir}/${name}`, isDirectory) === true) continue;
        if (isDirectory && skip.includes(entryPath)) continue;
        this.#fill(record, stat, dir, name, entryPath);
        const entered = isDirectory && !(oneFileSystem && this.#isElsewhere(record, stat, scan.rootDevice));
        yield record;
        if (entered) scan.subdirectories.push(dir === "" ? name : `${dir}/${name}`);
      }
    } finally {
      closeDirectory(fd);
    }
  }

  describe(record: ScanRecord): RecordDetails {
    const problems: MetadataProblem[] = [];
    const failures: string[] = [];
    let target: string | undefined;
    let flags = 0;
    let xattrs: RecordDetails["xattrs"];
    try {
      if (record.type === entryTypes.symlink) target = readLink(record.path);
      if (record.type === entryTypes.directory || record.type === entryTypes.file) flags = flagsOf(record);
      if (this.#options.xattrs) {
        const read = readExtended(record.path, problems);
        xattrs = read.length === 0 ? undefined : read;
      }
    } catch (error) {
      if (!isHoldfastError(error)) throw error;
      failures.push(error.message);
    }
    return { target, xattrs, flags, problems: [...failures, ...problems.map((each) => `${each.attribute}: ${each.message}`)] };
  }

  #isElsewhere(record: ScanRecord, stat: EntryStat, rootDevice: number): boolean {
    return record.device !== rootDevice || (stat.attributes & mountRoot) !== 0;
  }

  #fill(record: ScanRecord, stat: EntryStat, dir: string, name: string, path: string): void {
    record.dir = dir;
    record.name = name;
    record.path = path;
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
    this.#uids.add(stat.uid);
    this.#gids.add(stat.gid);
  }
}

/** The flags of a file or directory. A directory that may not be opened has none here: that it cannot be listed is told. */
function flagsOf(record: ScanRecord): number {
  try {
    return readFlags(record.path) ?? 0;
  } catch (error) {
    if (record.type === entryTypes.directory && isHoldfastError(error, "denied")) return 0;
    throw error;
  }
}

function namesOf(numbers: ReadonlySet<number>, nameOf: (number: number) => string | undefined): ReadonlyMap<string, string> {
  const names = new Map<string, string>();
  for (const number of numbers) {
    const name = nameOf(number);
    if (name !== undefined) names.set(String(number), name);
  }
  return names;
}

function problemOf(path: string, error: unknown): ScanProblem {
  if (!isHoldfastError(error)) throw error;
  return { path, kind: String(error.detail["errno"] ?? error.kind), message: error.message };
}

function newRecord(): ScanRecord {
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
