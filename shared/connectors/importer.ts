import type { EntryType } from "#shared/format/entry.ts";
import type { ExtendedAttributes } from "./content-reader.ts";

/**
 * What an importer tells of one path while it scans. The importer reuses the object: it is valid until the next one is asked
 * for. Text has one char per byte.
 */
export type ScanRecord = {
  /** Directory of the path, relative to the root of the source; "" for the root and for what lies in it. */
  dir: string;
  /** Name in it; "" for the root itself. */
  name: string;
  /** The path by which the content reader opens it. */
  path: string;
  type: EntryType;
  mode: number;
  uid: number;
  gid: number;
  nlink: number;
  size: number;
  blocks512: number;
  device: number;
  inodeHi: number;
  inodeLo: number;
  mtimeSec: number;
  mtimeNsec: number;
  ctimeSec: number;
  ctimeNsec: number;
  btimeSec: number;
  btimeNsec: number;
  rdevMajor: number;
  rdevMinor: number;
};

/** What needs a closer look than a scan: asked for new and changed entries only. */
export type RecordDetails = {
  readonly target: string | undefined;
  readonly xattrs: ExtendedAttributes | undefined;
  readonly flags: number;
  /** Set for a file that says it is empty and is not: its content is to be read. */
  readonly hasContent?: boolean;
  /** Set where it is not there any more, and something else is: it is not described. */
  readonly error?: string;
  /** What of it could not be read, in words. */
  readonly problems: readonly string[];
};

/** A path that the scan could not look at. */
export type ScanProblem = { readonly path: string; readonly message: string; readonly kind: string };

/**
 * A stretch of a scan that ends where `isBorder` says that a leaf of a tree does, or after `treeNodeItemsMax` records, or with the scan.
 *
 * `digest` stands for all that the scan tells of it: `blockDigestBytes` bytes, equal for equal records only. Of a stretch whose digest was given to
 * the scan only its number among those is told: `known`.
 */
export type ScanBlock =
  | { readonly records: Iterable<ScanRecord>; readonly digest: Uint8Array }
  | { readonly known: number };

/** Bytes of the digest of a `ScanBlock`. */
export const blockDigestBytes = 16;

/** Blocks of an earlier scan, in order. */
export type KnownBlocks = {
  /** Their digests, one after the other. */
  readonly digests: Uint8Array;
  /** The leaves that each came to. */
  readonly blocks: readonly { readonly leaves: readonly { readonly lastDir: string; readonly lastName: string }[] }[];
};

/** The option of a source that says that a filesystem was mounted at its root. */
export const mountPointOption = "mount-point";

/** The option of a source whose root was a symlink, and that shows what the link led to: a restore in place follows it again. */
export const followedLinkOption = "followed-link";

/**
 * The port to what is backed up: a root and everything below it.
 *
 * `scan` yields each entry once, in batches, in the order of `compareEntryKeys`, the root first. What cannot be read is told to
 * `onProblem` and left out (or, for a directory that cannot be listed, yielded without children). It may be called again once it has ended,
 * and then looks at everything anew.
 */
export interface Importer {
  readonly type: string;
  readonly origin: string;
  /** Absolute path of the root, one char per byte. */
  readonly root: string;
  readonly options: ReadonlyMap<string, string>;
  /** Whether a filesystem is mounted on a directory now, by its path; where nested filesystems are entered. */
  readonly isMountPoint?: ((path: string) => boolean) | undefined;
  /** What kinds of metadata this importer cannot capture here, in words. */
  readonly lost: readonly string[];
  scan(onProblem: (problem: ScanProblem) => void): AsyncIterable<Iterable<ScanRecord>>;
  /** The same as `scan` in blocks, each of which is used before the next is asked for; those that are `known` are left out. */
  scanBlocks?(
    onProblem: (problem: ScanProblem) => void,
    known: KnownBlocks | undefined,
  ): AsyncIterable<Iterable<ScanBlock>>;
  /** The directories that lead to the root, "/" first, relative to "/"; none where nothing is known of them. Asked for after a scan. */
  parents?(): readonly ScanRecord[];
  /** Target, extended attributes and flags of what `record` stands for now. For files only `target` is left out: the reader tells. */
  describe(record: ScanRecord): RecordDetails;
  /** Module that makes content readers in worker threads, and what it is given. */
  readonly content: { readonly moduleUrl: string; readonly options: unknown };
  /** Takes note of the owners that attributes name (ACLs): of those that a content reader read, or that were taken from the previous snapshot. */
  noteAttributes?(attributes: NonNullable<RecordDetails["xattrs"]>): void;
  /**
   * Names of the numeric owners met by the scan and in attributes, by number as text.
   *
   * @param before - those of the previous snapshot, whose owners may stand in attributes that were not read again
   */
  userNames(before: ReadonlyMap<string, string>): ReadonlyMap<string, string>;
  /** Names of the numeric groups likewise. */
  groupNames(before: ReadonlyMap<string, string>): ReadonlyMap<string, string>;
  /** Ends a scan that is not needed to its end. */
  close(): Promise<void>;
}
