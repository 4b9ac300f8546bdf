/** Extended attributes, sorted by name; names have one char per byte. */
export type ExtendedAttributes = readonly (readonly [name: string, value: Uint8Array])[];

/** What a scan saw of a file, so that its reader can tell whether it is still the same. */
export type SeenFile = {
  path: string;
  /** Length of the part of `path` that is the root of the source. */
  rootBytes: number;
  device: number;
  size: number;
  blocks512: number;
  mtimeSec: number;
  mtimeNsec: number;
  ctimeSec: number;
  ctimeNsec: number;
  inodeHi: number;
  inodeLo: number;
};

/** A file as it was found when it was opened, where that is not what the scan saw: another one took its place, or it was written to. */
export type FoundFile = {
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly mtimeSec: number;
  readonly mtimeNsec: number;
  readonly ctimeSec: number;
  readonly ctimeNsec: number;
  readonly btimeSec: number;
  readonly btimeNsec: number;
  readonly device: number;
  readonly inodeHi: number;
  readonly inodeLo: number;
};

/**
 * Reads the content of files in a worker thread, synchronously, one at a time.
 *
 * A module given as `Importer.content.moduleUrl` exports `createContentReader(options: unknown): ContentReader`.
 */
export interface ContentReader {
  /**
   * Opens a file. `seen` is reused by the caller.
   *
   * @param again - take the file as it is now: it changed while it was read before
   * @throws {HoldfastError} it cannot be opened, or is no ordinary file any more
   */
  open(seen: SeenFile, again?: boolean): void;
  /** What is read in place of what the scan saw; undefined where that is still there. */
  readonly found?: FoundFile | undefined;
  /** Offset and length of each data range in turn, if the open file has holes; else undefined. */
  readonly extents: readonly number[] | undefined;
  /** Bytes of content: the size without the holes, as seen. */
  readonly contentBytes: number;
  /** Fills `into` from the content, holes left out; fewer bytes come only at its end. @throws {HoldfastError} it cannot be read */
  read(into: Uint8Array): number;
  /** Extended attributes and flags of the open file. */
  details(): {
    readonly xattrs: ExtendedAttributes | undefined;
    readonly flags: number;
    readonly problems: readonly string[];
  };
  /** Closes the file. @returns whether it is not the same as was seen by the scan: it changed while it was read */
  close(): boolean;
  /** No file follows for now: nothing stays open that was kept for the next one. */
  endBatch(): void;
}
