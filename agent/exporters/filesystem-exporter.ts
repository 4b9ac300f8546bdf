import { chmodSync } from "node:fs";
import {
  type Exporter,
  type ExportProblem,
  type FileDecision,
  type MadeOther,
  noExportProblems,
  type OpenedFile,
} from "#shared/connectors/exporter.ts";
import { type Entry, entryTypes } from "#shared/format/entry.ts";
import { HoldfastError, isHoldfastError } from "#shared/errors.ts";
import { applyLateFlags, hasLateFlags } from "#agent/filesystem/apply-flags.ts";
import { applyMetadata, type ApplyOptions } from "#agent/filesystem/apply-metadata.ts";
import { createEntryStat } from "#agent/filesystem/entry-stat.ts";
import { filesystemError } from "#agent/filesystem/filesystem-error.ts";
import { lockTemporary, removeLeftovers } from "#agent/filesystem/remove-leftovers.ts";
import { makeDirectory, makeHardLink, makeSpecial, makeSymlink, removeEntry } from "#agent/filesystem/make-special.ts";
import { markWhole, syncEntry } from "#agent/filesystem/mark-whole.ts";
import { nodePath } from "#agent/filesystem/node-path.ts";
import { isForeignAcl, type OwnerMap } from "#agent/filesystem/posix-acl.ts";
import { readLink } from "#agent/filesystem/read-link.ts";
import { SafeTarget, type TargetPlace } from "#agent/filesystem/safe-target.ts";
import { statInto } from "#agent/filesystem/stat-path.ts";
import { TargetFilesystems } from "#agent/filesystem/target-filesystems.ts";
import { temporaryName } from "#agent/filesystem/temporary-name.ts";
import { abandonFile, createFile, finishFile, type NewFile, setFileSize } from "#agent/filesystem/write-file.ts";
import { filesystemType, metadataOf } from "./entry-metadata.ts";
import type { FileContentWriterOptions } from "./file-content-writer.ts";
import { inTheWay, isEmptyDirectory, leadsToDirectory, linkInTheWay, removeEmptyDirectory } from "./occupied-place.ts";
import { ownerMap } from "./owner-map.ts";
import { copyEntry } from "./copy-entry.ts";
import { LoosenedEntries } from "./loosened-entries.ts";
import { putInPlace } from "./put-in-place.ts";

/** How a filesystem is restored to. */
export type FilesystemExporterOptions = FileContentWriterOptions & {
  /** Whether the root was made for this restore, and so gets the metadata of the entry that is restored to it. */
  readonly makesRoot: boolean;
  readonly overwrite: "always" | "changed" | "never";
  /** Called for each entry with an ACL whose owners cannot be mapped by name, as they should be. */
  readonly onUnmappedAcl?: () => void;
};

const absent = 2;
/** Why two names cannot be linked although both can be made: no links at all, different filesystems or mounts, too many links. */
const unlinkable: ReadonlySet<string> = new Set(["EPERM", "EOPNOTSUPP", "ENOTSUP", "ENOSYS", "EXDEV", "EMLINK"]);
const isCopy: ExportProblem = {
  attribute: "link",
  message: "The target cannot make this hard link, so the entry was restored as a copy",
  isNotice: true,
  isOfFilesystem: true,
};

/** Restores into a directory of this host, and never out of it. */
export class FilesystemExporter implements Exporter {
  readonly description: string;
  readonly content: { readonly moduleUrl: string; readonly options: unknown };
  readonly #options: FilesystemExporterOptions;
  readonly #target: SafeTarget;
  readonly #loosened: LoosenedEntries;
  readonly #owners: OwnerMap;
  readonly #apply: ApplyOptions;
  readonly #stat = createEntryStat();
  readonly #filesystems = new TargetFilesystems();
  /** Directories that this restore made: what is in them need not be looked for. */
  readonly #made = new Set<string>();
  /** Directories that were there and are left as they were. */
  readonly #kept = new Set<string>();
  /** Opened files: where they will be, and under which name they are written. */
  readonly #opened = new Map<
    number,
    { readonly place: TargetPlace; readonly file: NewFile; readonly replace: boolean; readonly path: string }
  >();

  constructor(options: FilesystemExporterOptions) {
    this.#options = options;
    this.description = options.root;
    this.#target = SafeTarget.open(options.root, { onEnter: (fd, path) => this.#filesystems.note(fd, path) });
    this.#loosened = new LoosenedEntries(this.#target);
    this.#owners = ownerMap(options.owners);
    this.#apply = { owner: options.owners.how !== "none" };
    const { root, owners, xattrs, sparse } = options;
    this.content = {
      moduleUrl: new URL("./file-content-writer.ts", import.meta.url).href,
      options: { root, owners, xattrs, sparse } satisfies FileContentWriterOptions,
    };
  }

  makeDirectory(path: string): void {
    if (path === "") {
      if (this.#options.makesRoot) this.#made.add(path);
      else this.#takeExisting(path, this.#target.locate(path));
      return;
    }
    const place = this.#target.locate(path);
    const fate = this.#fateOfDirectory(path, place);
    if (fate === "keep") {
      this.#takeExisting(path, place);
      return;
    }
    if (fate === "replace") removeEntry(place.path, "other", place.directoryFd);
    if (!makeDirectory(place.path, place.directoryFd)) throw inTheWay(path, "another entry");
    this.#made.add(path);
  }

  takeDirectory(path: string): boolean {
    if (path === "") {
      if (this.#options.makesRoot) this.#made.add(path);
      return this.#options.makesRoot;
    }
    const place = this.#target.locate(path);
    const existing = this.#look(place);
    if (existing === "directory") {
      this.#loosened.loosen(path, place, this.#stat);
      return false;
    }
    if (existing !== undefined || !makeDirectory(place.path, place.directoryFd))
      throw inTheWay(path, existing ?? "another entry");
    this.#made.add(path);
    return true;
  }

  /** Takes a directory that is there: makes it writable, and removes what an earlier restore left in it when it was killed. */
  #takeExisting(path: string, place: TargetPlace): void {
    if (this.#options.overwrite === "never") this.#kept.add(path);
    if (this.#look(place) === undefined) return;
    this.#loosened.loosen(path, place, this.#stat);
    this.#target.forget(path);
    const { directoryFd } = this.#target.locate(path === "" ? "x" : `${path}/x`);
    removeLeftovers(directoryFd);
  }

  finishUndescribed(path: string): void {
    const { path: name, directoryFd } = this.#target.locate(path);
    chmodSync(nodePath(name, directoryFd), 0o777 & ~process.umask());
  }

  /** What becomes of what is in the place of a directory. @throws {HoldfastError} conflict: it may not give way */
  #fateOfDirectory(path: string, place: TargetPlace): "create" | "keep" | "replace" {
    if (this.#made.has(parentOf(path))) return "create";
    const existing = this.#look(place);
    if (existing === undefined) return "create";
    if (existing === "directory") return "keep";
    if (existing === "symlink" && leadsToDirectory(place)) throw linkInTheWay(path);
    if (this.#options.overwrite === "never") throw inTheWay(path, existing);
    return "replace";
  }

  decide(path: string, entry: Entry): FileDecision {
    if (entry.xattrs !== undefined) this.#noteAcl(entry.xattrs);
    if (this.#made.has(parentOf(path))) return "create";
    const place = this.#target.locate(path);
    const existing = this.#look(place);
    const decision = this.#decision(existing, entry);
    if (existing !== undefined && decision !== "leave") {
      this.#loosened.loosen(path, place, this.#stat);
      if (!hasLateFlags(entry.flags)) this.#loosened.flagsAreRight(path);
    }
    if (decision === "replace" && existing === "directory") {
      if (!removeEmptyDirectory(place)) throw inTheWay(path, existing);
      this.#target.forget(path);
      return "create";
    }
    return decision;
  }

  foresee(path: string, entry: Entry): FileDecision {
    const fate = this.#made.has(parentOf(path)) ? "create" : this.#foreseeAt(path, entry);
    if (entry.type === entryTypes.directory && fate !== "keep") this.#made.add(path);
    return fate;
  }

  #foreseeAt(path: string, entry: Entry): FileDecision {
    if (path === "") return "keep";
    const place = this.#target.locate(path);
    if (entry.type === entryTypes.directory) return this.#fateOfDirectory(path, place);
    if (entry.type !== entryTypes.file && this.#isThere(path, place, entry)) return "keep";
    const existing = this.#look(place);
    const decision = this.#decision(existing, entry);
    if (decision === "replace" && existing === "directory" && !isEmptyDirectory(place)) throw inTheWay(path, existing);
    return decision;
  }

  #decision(existing: string | undefined, entry: Entry): FileDecision {
    if (existing === undefined) return "create";
    if (this.#options.overwrite === "never") return "leave";
    const stat = this.#stat;
    const isSame =
      existing === "file" &&
      entry.type === entryTypes.file &&
      stat.size === entry.size &&
      stat.mtimeSec === entry.mtimeSec &&
      stat.mtimeNsec === entry.mtimeNsec;
    return isSame && this.#options.overwrite === "changed" ? "keep" : "replace";
  }

  updateFile(path: string, entry: Entry): readonly ExportProblem[] {
    if (this.#options.overwrite === "never") return [];
    const place = this.#target.locate(path);
    return applyMetadata(place.path, this.#metadata(entry), this.#apply, place.directoryFd);
  }

  makeOther(path: string, entry: Entry): MadeOther {
    const place = this.#target.locate(path);
    if (!this.#isThere(path, place, entry)) {
      if (!this.#clearTheWay(path, place)) return { isThere: false, problems: [] };
      const problem = makeNode(place, entry);
      if (problem !== undefined) return { isThere: false, problems: [problem] };
    }
    const problems = applyMetadata(place.path, this.#metadata(entry), this.#apply, place.directoryFd);
    return { isThere: true, problems };
  }

  makeLink(existing: string, path: string, entry: Entry): readonly ExportProblem[] | undefined {
    if (this.#isSameInode(existing, path)) return undefined;
    const to = this.#target.locate(path);
    if (!this.#clearTheWay(path, to)) return undefined;
    const from = this.#target.locate(existing);
    try {
      makeHardLink(from, to);
      return undefined;
    } catch (error) {
      if (!isHoldfastError(error) || !unlinkable.has(String(error.detail["errno"]))) throw error;
    }
    if (entry.type !== entryTypes.file) return [...this.makeOther(path, entry).problems, isCopy];
    return [...copyEntry(from, to, this.#metadata(entry), this.#apply), isCopy];
  }

  openFile(path: string, entry: Entry, decision: FileDecision): OpenedFile {
    const place = this.#target.locate(path);
    const replace = decision === "replace";
    const file: NewFile = {
      path: temporaryName(),
      directoryFd: place.directoryFd,
      traits: place.traits,
      metadata: this.#metadata(entry),
    };
    const handle = createFile(file);
    lockTemporary(handle);
    this.#opened.set(handle, { place, file, replace, path });
    if (entry.extents !== undefined || this.#options.sparse) setFileSize(handle, entry.size, path);
    return { handle, path, entry };
  }

  finishFile(opened: OpenedFile): readonly ExportProblem[] {
    const { file, replace, path } = this.#takeOpened(opened);
    const place = this.#target.locate(path);
    let problems: readonly ExportProblem[];
    try {
      problems = finishFile(opened.handle, file, this.#apply);
      if (!replace && this.#look(place) !== undefined) throw inTheWay(path, "new entry");
      const { metadata } = file;
      const told = putInPlace(file.path, place.path, place.directoryFd, { metadata, apply: this.#apply });
      if (told.length > 0) problems = [...problems, ...told];
    } catch (error) {
      this.#removeTemporary(file, path);
      throw error;
    }
    return problems;
  }

  abandonFile(opened: OpenedFile): void {
    const { file, path } = this.#takeOpened(opened);
    abandonFile(opened.handle);
    this.#removeTemporary(file, path);
  }

  markWhole(path: string, mtimeSec: number, mtimeNsec: number): readonly ExportProblem[] {
    const place = this.#target.locate(path);
    const canSync = this.#filesystems.canSync;
    if (!canSync) syncEntry(place.path, place.directoryFd);
    const problem = markWhole(place.path, { mtimeSec, mtimeNsec }, place.traits, place.directoryFd);
    if (!canSync) syncEntry(place.path, place.directoryFd);
    return problem === undefined ? noExportProblems : [problem];
  }

  sync(): Promise<void> {
    return this.#filesystems.sync();
  }

  finishDirectory(path: string, entry: Entry): readonly ExportProblem[] {
    const place = this.#target.locate(path);
    const isKept = this.#kept.has(path);
    if (isKept) this.#loosened.putModeBack(path);
    const problems = isKept
      ? noExportProblems
      : applyMetadata(place.path, this.#metadata(entry), this.#apply, place.directoryFd);
    if (!isKept) this.#loosened.modeIsRight(path);
    if (!isKept && !hasLateFlags(entry.flags)) this.#loosened.flagsAreRight(path);
    if (!this.#filesystems.canSync) syncEntry(place.path, place.directoryFd);
    return problems;
  }

  finishLate(path: string, entry: Entry): readonly ExportProblem[] {
    if (this.#kept.has(path)) return [];
    const place = this.#target.locate(path);
    this.#loosened.flagsAreRight(path);
    return applyLateFlags(place.path, entry.flags, place.directoryFd);
  }

  hasLate(entry: Entry): boolean {
    return hasLateFlags(entry.flags);
  }

  close(): void {
    for (const [handle, { file, path }] of this.#opened) {
      abandonFile(handle);
      this.#removeTemporary(file, path);
    }
    this.#opened.clear();
    this.#loosened.putBack();
    this.#target.close();
    this.#filesystems.close();
  }

  #noteAcl(attributes: NonNullable<Entry["xattrs"]>): void {
    const { owners, xattrs, onUnmappedAcl } = this.#options;
    if (xattrs && owners.how === "names" && attributes.some(([name]) => isForeignAcl(name))) onUnmappedAcl?.();
  }

  #metadata(entry: Entry) {
    if (entry.xattrs !== undefined) this.#noteAcl(entry.xattrs);
    return metadataOf(entry, this.#owners, this.#options.xattrs);
  }

  /** Removes what was written of a file; where that fails too, the first failure is the one to tell. */
  #removeTemporary(file: NewFile, path: string): void {
    try {
      removeEntry(file.path, "other", this.#target.locate(path).directoryFd);
    } catch (error) {
      if (!isHoldfastError(error)) throw error;
    }
  }

  #takeOpened(opened: OpenedFile) {
    const found = this.#opened.get(opened.handle);
    if (found === undefined) throw new HoldfastError("internal", "Cannot finish a file that is not open");
    this.#opened.delete(opened.handle);
    return found;
  }

  /** What is at a place; undefined when nothing is. */
  #look(place: TargetPlace): string | undefined {
    const errno = statInto(place.path, this.#stat, place.directoryFd);
    if (errno === absent) return undefined;
    if (errno !== 0) throw filesystemError("look at", place.path, errno);
    return this.#stat.type;
  }

  /** Whether `changed` finds a symlink, device, FIFO or socket as it is to be, but for its metadata. */
  #isThere(path: string, place: TargetPlace, entry: Entry): boolean {
    if (this.#options.overwrite !== "changed" || this.#made.has(parentOf(path))) return false;
    if (this.#look(place) !== filesystemType(entry)) return false;
    if (entry.type === entryTypes.symlink) return readLink(place.path, place.directoryFd) === entry.target;
    return this.#stat.rdevMajor === entry.rdevMajor && this.#stat.rdevMinor === entry.rdevMinor;
  }

  /** Whether two paths of the target are one file already. */
  #isSameInode(existing: string, path: string): boolean {
    if (this.#made.has(parentOf(path)) || this.#look(this.#target.locate(path)) === undefined) return false;
    const { deviceMajor, deviceMinor, inodeHi, inodeLo } = this.#stat;
    if (this.#look(this.#target.locate(existing)) === undefined) return false;
    const other = this.#stat;
    const isSameDevice = other.deviceMajor === deviceMajor && other.deviceMinor === deviceMinor;
    return isSameDevice && other.inodeHi === inodeHi && other.inodeLo === inodeLo;
  }

  /** Removes what is in the way of a new entry; false when it is to be left alone. */
  #clearTheWay(path: string, place: TargetPlace): boolean {
    if (this.#made.has(parentOf(path))) return true;
    const existing = this.#look(place);
    if (existing === undefined) return true;
    if (this.#options.overwrite === "never") return false;
    this.#loosened.loosen(path, place, this.#stat);
    this.#loosened.flagsAreRight(path);
    if (existing === "directory") {
      if (!removeEmptyDirectory(place)) throw inTheWay(path, existing);
      this.#target.forget(path);
    } else removeEntry(place.path, "other", place.directoryFd);
    return true;
  }
}

/** Makes a symlink, device, FIFO or socket. @returns why it could not be made */
function makeNode({ path, directoryFd }: TargetPlace, entry: Entry): ExportProblem | undefined {
  const type = filesystemType(entry);
  const { rdevMajor, rdevMinor } = entry;
  if (type === "symlink") makeSymlink(path, entry.target ?? "", directoryFd);
  else if (type === "fifo" || type === "socket") return makeSpecial(path, { type }, directoryFd);
  else if (type === "character-device" || type === "block-device")
    return makeSpecial(path, { type, rdevMajor, rdevMinor }, directoryFd);
  return undefined;
}

function parentOf(path: string): string {
  const slash = path.lastIndexOf("/");
  return slash < 0 ? "" : path.slice(0, slash);
}
