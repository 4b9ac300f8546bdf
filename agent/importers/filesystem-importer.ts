import {
  followedLinkOption,
  type Importer,
  type KnownBlocks,
  mountPointOption,
  type RecordDetails,
  type ScanBlock,
  type ScanProblem,
  type ScanRecord,
} from "#shared/connectors/importer.ts";
import { entryTypes } from "#shared/format/entry.ts";
import { isHoldfastError } from "#shared/errors.ts";
import { isMountPoint } from "#agent/filesystem/is-mount-point.ts";
import { fidelity } from "#agent/filesystem/fidelity.ts";
import { createEntryStat } from "#agent/filesystem/entry-stat.ts";
import { libc, workingDirectory } from "#agent/filesystem/libc.ts";
import { closeDirectory } from "#agent/filesystem/list-directory.ts";
import type { MetadataProblem } from "#agent/filesystem/metadata-problem.ts";
import { BeneathRoot } from "#agent/filesystem/open-beneath.ts";
import { OwnerNames } from "#agent/filesystem/owner-names.ts";
import { aclOwners } from "#agent/filesystem/posix-acl.ts";
import { closeFile, openFile, readAt } from "#agent/filesystem/read-content.ts";
import { readExtended } from "#agent/filesystem/read-extended.ts";
import { readFlags } from "#agent/filesystem/read-flags.ts";
import { readLink } from "#agent/filesystem/read-link.ts";
import { statInto } from "#agent/filesystem/stat-path.ts";
import { boundedAttributes } from "./bounded-attributes.ts";
import type { ExcludeLine } from "./exclude-rules.ts";
import { parentRecords } from "./parent-records.ts";
import { newFindings, type ScanFindings } from "./scan-findings.ts";
import { identityOf, type SkippedDirectories } from "./skipped-directories.ts";
import { ThreadedScan } from "./threaded-scan.ts";

/** What to read of a filesystem. */
export type FilesystemImporterOptions = {
  /** Absolute path by which the snapshot shows it, as a binary string. */
  readonly root: string;
  /** Where it is read; undefined: at `root`. */
  readonly readFrom?: string;
  /** Whether `root` is a symlink that leads to what is read. */
  readonly followsLink?: boolean;
  readonly host: string;
  /** Lines in gitignore syntax, as binary strings. */
  readonly excludes: readonly ExcludeLine[];
  /** Whether directories on other filesystems are left out. */
  readonly oneFileSystem: boolean;
  readonly xattrs: boolean;
  /** Directories that are passed over: the store itself. */
  readonly skip: SkippedDirectories;
  /** Whether the first scan begins at once, before it is asked for. */
  readonly beginsAtOnce?: boolean;
  /** Blocks that the first scan may leave out, if it is asked for with the very same. */
  readonly known?: KnownBlocks | undefined;
};

/** Reads a directory tree, or a single file, of this host. A scan has a thread. */
export class FilesystemImporter implements Importer {
  readonly type = "filesystem";
  readonly origin: string;
  readonly root: string;
  readonly options: ReadonlyMap<string, string>;
  readonly isMountPoint: ((path: string) => boolean) | undefined;
  readonly lost: readonly string[];
  readonly content: { readonly moduleUrl: string; readonly options: unknown };
  readonly #options: FilesystemImporterOptions;
  readonly #beginScan: (known: KnownBlocks | undefined) => ThreadedScan;
  #scan: ThreadedScan | undefined;
  #isScanTaken = false;
  readonly #names = new OwnerNames();
  readonly #beneath: BeneathRoot;
  /** The directory of the entry that was described last. */
  #described: { readonly dir: string; readonly fd: number } | undefined;
  readonly #stat = createEntryStat();
  readonly #uids = new Set<number>();
  readonly #gids = new Set<number>();

  constructor(options: FilesystemImporterOptions) {
    this.#options = options;
    const { root, readFrom = root, excludes, oneFileSystem, skip } = options;
    this.#beginScan = (known) => new ThreadedScan({ root: readFrom, excludes, oneFileSystem, skip, known });
    if (options.beginsAtOnce !== false) this.#scan = this.#beginScan(options.known);
    this.#beneath = new BeneathRoot(readFrom);
    this.origin = options.host;
    this.root = options.root;
    this.options = new Map([
      ...(options.oneFileSystem ? [["one-file-system", "true"] as const] : []),
      ...(options.followsLink === true ? [[followedLinkOption, "true"] as const] : []),
      ...(isMountPoint(readFrom) ? [[mountPointOption, "true"] as const] : []),
    ]);
    this.isMountPoint = oneFileSystem ? undefined : isMountPoint;
    this.lost = [...fidelity().lost, ...(options.xattrs ? [] : ["Extended attributes were left out, as asked."])];
    this.content = {
      moduleUrl: new URL("./file-content-reader.ts", import.meta.url).href,
      options: { xattrs: options.xattrs },
    };
  }

  noteAttributes(attributes: NonNullable<RecordDetails["xattrs"]>): void {
    const { uids, gids } = aclOwners(attributes);
    for (const uid of uids) this.#uids.add(uid);
    for (const gid of gids) this.#gids.add(gid);
  }

  userNames(before: ReadonlyMap<string, string>): ReadonlyMap<string, string> {
    return namesOf(this.#uids, before, (uid) => this.#names.userName(uid));
  }

  groupNames(before: ReadonlyMap<string, string>): ReadonlyMap<string, string> {
    return namesOf(this.#gids, before, (gid) => this.#names.groupName(gid));
  }

  async *scan(onProblem: (problem: ScanProblem) => void): AsyncGenerator<Iterable<ScanRecord>> {
    for await (const batch of this.scanBlocks(onProblem, undefined)) {
      for (const block of batch) if ("records" in block) yield block.records;
    }
  }

  async *scanBlocks(
    onProblem: (problem: ScanProblem) => void,
    known: KnownBlocks | undefined,
  ): AsyncGenerator<Iterable<ScanBlock>> {
    if (this.#isScanTaken || this.#scan?.known !== known) {
      await this.#scan?.close();
      this.#scan = undefined;
    }
    this.#isScanTaken = true;
    const scan = (this.#scan ??= this.#beginScan(known));
    yield* scan.batches(onProblem);
    for (const uid of scan.uids) this.#uids.add(uid);
    for (const gid of scan.gids) this.#gids.add(gid);
  }

  /** What the last scan found on its way, once it has ended. */
  get findings(): ScanFindings {
    return this.#scan?.findings ?? newFindings();
  }

  close(): Promise<void> {
    this.#leaveDescribed();
    this.#beneath.close();
    return this.#scan?.close() ?? Promise.resolve();
  }

  parents(): readonly ScanRecord[] {
    const { root, readFrom = root } = this.#options;
    // Under another name nothing of this host leads to it.
    const records = readFrom === root ? parentRecords(root) : [];
    for (const { uid, gid } of records) {
      this.#uids.add(uid);
      this.#gids.add(gid);
    }
    return records;
  }

  describe(record: ScanRecord): RecordDetails {
    const problems: MetadataProblem[] = [];
    const failures: string[] = [];
    let target: string | undefined;
    let flags = 0;
    let hasContent = false;
    let xattrs: RecordDetails["xattrs"];
    try {
      const { name, directoryFd } = this.#placeOf(record);
      const replaced = this.#isReplaced(record, name, directoryFd);
      if (replaced) return { target: undefined, xattrs: undefined, flags: 0, problems: [], error: replacedMessage };
      if (record.type === entryTypes.symlink) target = readLink(name, directoryFd);
      if (record.type === entryTypes.file) hasContent = startsWithContent(name, directoryFd);
      if (record.type === entryTypes.directory || record.type === entryTypes.file)
        flags = flagsOf(record, name, directoryFd);
      if (this.#options.xattrs) {
        const read = readExtended(name, problems, directoryFd);
        xattrs = boundedAttributes(read, (message) => failures.push(message));
        if (xattrs !== undefined) this.noteAttributes(xattrs);
      }
    } catch (error) {
      if (!isHoldfastError(error)) throw error;
      failures.push(error.message);
    }
    return {
      target,
      xattrs,
      flags,
      ...(hasContent ? { hasContent } : {}),
      problems: [...failures, ...problems.map((each) => `${each.attribute}: ${each.message}`)],
    };
  }

  /** Where an entry is, by a way without links below the root; the root itself, and what leads to it, by its path. */
  #placeOf(record: ScanRecord): { readonly name: string; readonly directoryFd: number } {
    const { root, readFrom = root } = this.#options;
    const { dir, name, path } = record;
    const byPath = { name: path, directoryFd: workingDirectory };
    if (name === "" || libc() === undefined) return byPath;
    const base = readFrom === "/" ? "/" : `${readFrom}/`;
    if (path !== `${base}${dir === "" ? name : `${dir}/${name}`}`) return byPath;
    if (this.#described?.dir !== dir) {
      this.#leaveDescribed();
      this.#described = { dir, fd: this.#beneath.open(dir, "place") };
    }
    return { name, directoryFd: this.#described.fd };
  }

  #isReplaced(record: ScanRecord, name: string, directoryFd: number): boolean {
    if (directoryFd === workingDirectory) return false;
    const stat = this.#stat;
    // What is gone is told of by whoever reads it.
    if (statInto(name, stat, directoryFd) !== 0) return false;
    const { device, inodeHi, inodeLo } = identityOf(stat);
    return inodeLo !== record.inodeLo || inodeHi !== record.inodeHi || device !== record.device;
  }

  #leaveDescribed(): void {
    if (this.#described !== undefined) closeDirectory(this.#described.fd);
    this.#described = undefined;
  }
}

const replacedMessage = "Something else took its place since it was scanned.";

/** Whether a file that says it is empty has content, as files below /proc have. Nothing is waited for. */
function startsWithContent(name: string, directoryFd: number): boolean {
  let fd: number;
  try {
    fd = openFile(name, { name, directoryFd });
  } catch (error) {
    // An empty file that may not be read is told of where its flags are read.
    if (isHoldfastError(error)) return false;
    throw error;
  }
  try {
    return readAt(fd, new Uint8Array(1), 0, name) > 0;
  } catch (error) {
    if (isHoldfastError(error)) return false;
    throw error;
  } finally {
    closeFile(fd);
  }
}

/** The flags of a file or directory. A directory that may not be opened has none here: that it cannot be listed is told. */
function flagsOf(record: ScanRecord, name: string, directoryFd: number): number {
  try {
    return readFlags(name, directoryFd) ?? 0;
  } catch (error) {
    if (record.type === entryTypes.directory && isHoldfastError(error, "denied")) return 0;
    throw error;
  }
}

/** Names of numbers, as they are now; also of those that had one before. */
function namesOf(
  numbers: ReadonlySet<number>,
  before: ReadonlyMap<string, string>,
  nameOf: (number: number) => string | undefined,
): ReadonlyMap<string, string> {
  const names = new Map<string, string>();
  for (const number of new Set([...numbers, ...Array.from(before.keys(), Number)])) {
    const name = nameOf(number);
    if (name !== undefined) names.set(String(number), name);
  }
  return names;
}
