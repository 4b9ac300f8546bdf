import type { ContentReader, ExtendedAttributes, FoundFile, SeenFile } from "#shared/connectors/content-reader.ts";
import { HoldfastError, isHoldfastError } from "#shared/errors.ts";
import { createEntryStat } from "#agent/filesystem/entry-stat.ts";
import { FileOpener } from "#agent/filesystem/file-opener.ts";
import { closeFile, readAt } from "#agent/filesystem/read-content.ts";
import { readExtendedOpen } from "#agent/filesystem/read-extended.ts";
import { readFlagsOpen } from "#agent/filesystem/read-flags.ts";
import { readHoles } from "#agent/filesystem/read-holes.ts";
import { statOpenInto } from "#agent/filesystem/stat-path.ts";
import type { MetadataProblem } from "#agent/filesystem/metadata-problem.ts";
import { filesystemError } from "#agent/filesystem/filesystem-error.ts";
import { boundedAttributes } from "./bounded-attributes.ts";
import { boundedExtents } from "./bounded-extents.ts";
import { identityOf } from "./skipped-directories.ts";

/** Makes the reader of files that backup threads use. */
export function createContentReader(options: unknown): ContentReader {
  const { xattrs } = options as { readonly xattrs: boolean };
  return new FileContentReader(xattrs);
}

const noProblems: readonly string[] = [];
/** Bytes that are read of a file that tells no size. */
const unsizedBytesMax = 64 * 1024 * 1024;
/** What the kernel reads of them at once: below /proc it makes a buffer as long as what is asked for, or refuses to. */
const unsizedPieceBytes = 64 * 1024;

/** Reads one file at a time by path, and tells whether it stayed what the scan saw. */
class FileContentReader implements ContentReader {
  readonly #xattrs: boolean;
  readonly #stat = createEntryStat();
  readonly #opener = new FileOpener();
  #seen: SeenFile | undefined;
  #fd = -1;
  extents: readonly number[] | undefined;
  found: FoundFile | undefined;
  contentBytes = 0;
  /** Where the next byte is, in the file; for a sparse file within extent `#extent`. */
  #position = 0;
  #extent = 0;

  constructor(xattrs: boolean) {
    this.#xattrs = xattrs;
  }

  open(seen: SeenFile, again = false): void {
    this.#seen = seen;
    this.found = undefined;
    this.#fd = this.#opener.open(seen.path, seen.rootBytes);
    try {
      this.#verify(seen, again);
    } catch (error) {
      closeFile(this.#fd);
      this.#fd = -1;
      throw error;
    }
    this.#position = 0;
    this.#extent = 0;
    this.extents = undefined;
    // What tells no size, as files below /proc and of some FUSE filesystems, is read to its end.
    this.contentBytes = seen.size === 0 ? Number.POSITIVE_INFINITY : seen.size;
    if (seen.blocks512 * 512 < seen.size) this.#findHoles(seen);
  }

  read(into: Uint8Array): number {
    const path = this.#seen?.path ?? "";
    if (this.#seen?.size === 0) return this.#readUnsized(into, path);
    if (this.extents === undefined) {
      const length = readAt(this.#fd, into, this.#position, path);
      this.#position += length;
      return length;
    }
    let filled = 0;
    while (filled < into.byteLength && this.#extent < this.extents.length) {
      const offset = this.extents[this.#extent] ?? 0;
      const left = (this.extents[this.#extent + 1] ?? 0) - this.#position;
      const wanted = Math.min(left, into.byteLength - filled);
      const length = readAt(this.#fd, into.subarray(filled, filled + wanted), offset + this.#position, path);
      // The holes were told for a longer file: content and extents would no longer belong together.
      if (length < wanted)
        throw new HoldfastError("unavailable", "Cannot read the file: it was cut short while it was read");
      filled += length;
      this.#position += length;
      if (length === left) {
        this.#extent += 2;
        this.#position = 0;
      }
    }
    return filled;
  }

  /** Of content whose length nobody told. */
  #readUnsized(into: Uint8Array, path: string): number {
    let filled = 0;
    while (filled < into.byteLength) {
      const piece = into.subarray(filled, filled + unsizedPieceBytes);
      const length = readAt(this.#fd, piece, this.#position, path);
      filled += length;
      this.#position += length;
      if (length < piece.byteLength) {
        this.contentBytes = this.#position;
        return filled;
      }
    }
    if (this.#position > unsizedBytesMax)
      throw new HoldfastError(
        "unavailable",
        "Cannot read the file: its size is said to be 0, and its content has no end",
      );
    return filled;
  }

  /**
   * Makes sure, before the first byte is read, that the file is the one that was scanned. Another one that took its place is read as what
   * it is: with its own owner and permissions.
   */
  #verify(seen: SeenFile, again: boolean): void {
    const stat = this.#stat;
    const errno = statOpenInto(this.#fd, stat);
    if (errno !== 0) throw filesystemError("look at", seen.path, errno);
    if (stat.type !== "file")
      throw new HoldfastError(
        "unavailable",
        `Cannot read the file: a ${stat.type} took its place since it was scanned`,
      );
    const { device } = identityOf(stat);
    const isSame = stat.inodeLo === seen.inodeLo && stat.inodeHi === seen.inodeHi && device === seen.device;
    if (isSame && !again) return;
    const { mode, uid, gid, mtimeSec, mtimeNsec, ctimeSec, ctimeNsec, btimeSec, btimeNsec, inodeHi, inodeLo } = stat;
    this.found = {
      mode,
      uid,
      gid,
      mtimeSec,
      mtimeNsec,
      ctimeSec,
      ctimeNsec,
      btimeSec,
      btimeNsec,
      device,
      inodeHi,
      inodeLo,
    };
    const { size, blocks512 } = stat;
    Object.assign(seen, { device, inodeHi, inodeLo, mtimeSec, mtimeNsec, ctimeSec, ctimeNsec, size, blocks512 });
  }

  details(): {
    readonly xattrs: ExtendedAttributes | undefined;
    readonly flags: number;
    readonly problems: readonly string[];
  } {
    const path = this.#seen?.path ?? "";
    const problems: MetadataProblem[] = [];
    let xattrs: ExtendedAttributes | undefined;
    let flags = 0;
    const failures: string[] = [];
    try {
      flags = readFlagsOpen(this.#fd, path) ?? 0;
      if (this.#xattrs) {
        const read = readExtendedOpen(this.#fd, path, problems);
        if (read.length > 0) xattrs = boundedAttributes(read, (message) => failures.push(message));
      }
    } catch (error) {
      if (!isHoldfastError(error)) throw error;
      failures.push(error.message);
    }
    if (failures.length === 0 && problems.length === 0) return { xattrs, flags, problems: noProblems };
    return { xattrs, flags, problems: [...failures, ...problems.map((each) => `${each.attribute}: ${each.message}`)] };
  }

  close(): boolean {
    const seen = this.#seen;
    const stat = this.#stat;
    const errno = statOpenInto(this.#fd, stat);
    closeFile(this.#fd);
    this.#fd = -1;
    if (seen === undefined) return true;
    if (errno !== 0) throw filesystemError("look at", seen.path, errno);
    return (
      stat.mtimeNsec !== seen.mtimeNsec ||
      stat.mtimeSec !== seen.mtimeSec ||
      stat.ctimeNsec !== seen.ctimeNsec ||
      stat.ctimeSec !== seen.ctimeSec ||
      stat.size !== seen.size ||
      stat.inodeLo !== seen.inodeLo ||
      stat.inodeHi !== seen.inodeHi
    );
  }

  endBatch(): void {
    this.#opener.close();
  }

  #findHoles(seen: SeenFile): void {
    const found: number[] = [];
    for (const [offset, length] of readHoles(this.#fd, seen.size, seen.path)) {
      const kept = Math.min(length, seen.size - offset);
      if (kept > 0) found.push(offset, kept);
    }
    const extents = boundedExtents(found);
    let bytes = 0;
    for (let index = 1; index < extents.length; index += 2) bytes += extents[index] ?? 0;
    if (bytes === seen.size) return;
    this.extents = extents;
    this.contentBytes = bytes;
  }
}
