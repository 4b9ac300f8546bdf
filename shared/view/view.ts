import type { EntryType } from "#shared/format/entry.ts";
import type { PlacedEntry } from "#shared/snapshot/snapshot-tree.ts";
import type { Located } from "./located.ts";

/**
 * A read-only tree of paths that any number of readers may ask at once: a snapshot, a directory of one, or all snapshots of a store.
 *
 * Paths and names are binary strings (one char per byte), absolute, without a closing slash; "/" is the top. A path with an empty
 * part, "." or ".." names nothing. Nothing is loaded ahead but what a sequential reader will want next, and every byte is verified
 * before it is given.
 *
 * Every method throws HoldfastErrors: absent (nothing by that path), corrupt (stored bytes do not verify), unavailable (the store does not
 * answer).
 */
export interface View {
  /** What a path names. A link is itself, and is not followed. */
  stat(path: string): Promise<ViewEntry>;
  /**
   * What is in a directory, in ascending order of the names' bytes. The top of a `StoreView` is in the order of its names too: those begin
   * with the time, so `reverse` gives the newest first.
   *
   * @throws {HoldfastError} invalid: it is no directory
   */
  list(path: string, options?: ListOptions): AsyncIterable<ViewEntry>;
  /** Everything below a directory, itself not included; a directory comes before what is in it. Throws as `list`. */
  below(path: string): AsyncIterable<ViewEntry>;
  /**
   * The content of a file that this view gave, or a part of it, holes as zeros. Takes as many requests as the part needs, whatever the
   * size of the file. Parts that are given stay valid.
   *
   * @throws {HoldfastError} invalid: it is no file; absent: it could not be read when it was backed up
   */
  open(entry: ViewEntry, range?: ContentRange): AsyncIterable<Uint8Array>;
  /**
   * Where a path leads when links are followed, in its last part and on the way, as on the host it was backed up from, whose root is that
   * of the snapshot. Undefined: nowhere, in a circle, or to what this view does not show.
   */
  follow(path: string): Promise<ViewEntry | undefined>;
  /**
   * Where in a snapshot a path leads, for searches, comparisons and windows of large directories.
   *
   * @throws {HoldfastError} invalid: it is the top of all snapshots, which lies in none
   */
  locate(path: string): Promise<Located>;
}

/** How a directory is listed. */
export type ListOptions = {
  /** Only names greater than this one; with `reverse`, smaller. */
  readonly after?: string | undefined;
  /** So many at most. */
  readonly limit?: number | undefined;
  /** From the last to the first. Of a directory in a snapshot this holds all of its names in memory. */
  readonly reverse?: boolean | undefined;
  readonly signal?: AbortSignal | undefined;
  /** At the top of a `StoreView`: the names that stand for the newest snapshots too (`latestAliases`). */
  readonly withAliases?: boolean | undefined;
};

/** Bytes of content from `start` (counted from 0) up to, not including, `end`; 0 <= start <= end <= size. */
export type ContentRange = { readonly start: number; readonly end: number };

/** What a path of a view names. */
export type ViewEntry = {
  readonly path: string;
  /** The last part of the path; "" for "/". */
  readonly name: string;
  readonly type: ViewEntryType;
  /** Bytes of content of a file, holes included; 0 for all else. */
  readonly sizeBytes: number;
  /** Permission bits with set-id and sticky bits. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly user: string | undefined;
  readonly group: string | undefined;
  readonly mtimeSec: number;
  readonly mtimeNsec: number;
  readonly linkCount: number;
  /** The same for all paths of one file that has several; undefined for one that has one, and for directories. */
  readonly linkId: string | undefined;
  /** Target of a symbolic link, as stored. */
  readonly target: string | undefined;
  /**
   * 32 hexadecimal digits, of a file only: equal for equal content, in whatever snapshot and by whatever path, and telling nothing of
   * the content. Derived from the keyed MACs of its chunks.
   */
  readonly contentTag: string | undefined;
  /** Why the backup could not read it whole; `open` then throws absent. */
  readonly error: string | undefined;
  /** For the view that gave the entry; undefined for directories that the view made up. */
  readonly place: PlacedEntry | undefined;
  /** Of the top directories of a `StoreView`: which snapshot it is. */
  readonly snapshot: SnapshotSummary | undefined;
};

/** What an entry is. */
export type ViewEntryType = "directory" | "file" | "symlink" | "fifo" | "socket" | "characterDevice" | "blockDevice";

/** A snapshot as a list shows it. Host, user, name and tags are text. */
export type SnapshotSummary = {
  /** The name of its directory in a `StoreView`: 3 to 63 of a-z, 0-9 and "-", fit to be the name of an S3 bucket. */
  readonly directory: string;
  /** 64 hexadecimal digits. */
  readonly id: string;
  readonly timeMs: number;
  readonly durationMs: number;
  readonly host: string;
  readonly user: string;
  readonly name: string;
  readonly tags: readonly string[];
  /** Roots of its sources, binary strings. */
  readonly roots: readonly string[];
  readonly entries: number;
  readonly totalBytes: number;
  /** Entries that the backup could not read whole, and paths that were lost later. */
  readonly errorCount: number;
  /** Paths of which a repair found content lost. */
  readonly lostPaths: number;
  /** A repair put it in the place of a damaged one. */
  readonly isRepaired: boolean;
};

/** The words for the stored numbers of types. */
export const viewEntryTypes: Readonly<Record<EntryType, ViewEntryType>> = {
  1: "directory",
  2: "file",
  3: "symlink",
  4: "fifo",
  5: "socket",
  6: "characterDevice",
  7: "blockDevice",
};
