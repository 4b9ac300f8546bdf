import type { Entry } from "#shared/format/entry.ts";

/** An attribute that could not be restored, or a step that failed without harm to the content. */
export type ExportProblem = {
  readonly attribute: string;
  readonly message: string;
  /** Set where nothing is missing, and the way that it was restored is to be told. */
  readonly isNotice?: boolean;
  /** Set where the filesystem of the target does the same to every such entry. */
  readonly isOfFilesystem?: boolean;
};

/** No problems, shared. */
export const noExportProblems: readonly ExportProblem[] = Object.freeze([]);

/** What became of an entry that is no directory and no file. */
export type MadeOther = {
  /** Whether the entry is in its place now, so that its other names may be links to it. */
  readonly isThere: boolean;
  readonly problems: readonly ExportProblem[];
};

/** What an exporter decides about a file before its content is fetched. */
export type FileDecision =
  | "create" /* nothing is there */
  | "replace" /* something else is there and gives way once the new file is whole */
  | "keep" /* what is there is right */
  | "leave"; /* something is there and is left alone, whatever it is */

/**
 * The port to where a snapshot is restored, as its main thread sees it. Paths are relative to the target, as binary strings.
 *
 * Directories are made before what is in them; `finishDirectory` comes when nothing in them is still to come, and
 * `finishLate` at the very end. Methods throw HoldfastErrors that concern one entry; the restore goes on.
 */
export interface Exporter {
  /** What it writes to, for people. */
  readonly description: string;
  /** Makes the directory of an entry, or takes one that is there; what else is there gives way where the restore may replace it. */
  makeDirectory(path: string): void;
  /**
   * Takes a directory that no entry describes, or makes one. Nothing gives way.
   *
   * @returns whether it was made
   * @throws {HoldfastError} conflict: something else is there, a link included
   */
  takeDirectory(path: string): boolean;
  /** Gives a directory that was made, and that nothing describes, the permissions that a new directory has. */
  finishUndescribed(path: string): void;
  /** Decides what becomes of a file. */
  decide(path: string, entry: Entry): FileDecision;
  /** What would become of an entry of any type; changes nothing. Entries come in order, and throw what restoring them would. */
  foresee(path: string, entry: Entry): FileDecision;
  /** Puts metadata on a file that is kept, where it differs. */
  updateFile(path: string, entry: Entry): readonly ExportProblem[];
  /** Makes a symlink, FIFO, device or socket, with its metadata. */
  makeOther(path: string, entry: Entry): MadeOther;
  /**
   * Makes `path` another link to an entry that was restored before; a copy of it where the target cannot link the two.
   *
   * @returns undefined when they are linked; else what is to be told of the copy
   */
  makeLink(existing: string, path: string, entry: Entry): readonly ExportProblem[] | undefined;
  /** Opens a file that is written in parts, by this thread and others. */
  openFile(path: string, entry: Entry, decision: FileDecision): OpenedFile;
  /** Puts metadata, but not the time, on a file whose parts are all written, and makes it visible under its name. */
  finishFile(file: OpenedFile): readonly ExportProblem[];
  /** Removes a file that will not become whole. */
  abandonFile(file: OpenedFile): void;
  /**
   * Gives a file that was written its time of modification. Size and time tell a later restore that a file is whole: this comes after a `sync` that
   * followed the last write to it.
   */
  markWhole(path: string, mtimeSec: number, mtimeNsec: number): readonly ExportProblem[];
  /**
   * Makes durable all that was written.
   *
   * @throws {HoldfastError} unavailable: some of it is lost; this concerns the whole restore
   */
  sync(): Promise<void>;
  /** Puts metadata on a directory. */
  finishDirectory(path: string, entry: Entry): readonly ExportProblem[];
  /** Makes an entry immutable or append-only, if it was. */
  finishLate(path: string, entry: Entry): readonly ExportProblem[];
  /** Whether `finishLate` has something to do for an entry. */
  hasLate(entry: Entry): boolean;
  /** Module that makes content writers in worker threads, and what it is given. */
  readonly content: { readonly moduleUrl: string; readonly options: unknown };
  close(): void;
}

/** A file being written in parts; `handle` means the same to all threads. */
export type OpenedFile = { readonly handle: number; readonly path: string; readonly entry: Entry };
