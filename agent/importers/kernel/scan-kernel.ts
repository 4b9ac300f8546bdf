import { type LatinBuffer, type Libc, libc } from "#agent/filesystem/libc.ts";
import { statxFlags, statxMask } from "#agent/filesystem/stat-path.ts";
import { numbersPerRecord, packedRecordsMax, type PackMemory, packState } from "#agent/importers/pack-memory.ts";
import { startKernel } from "#shared/wasm/start-kernel.ts";
import { scanWasmBase64 } from "./scan-wasm.ts";

/** Entries that are looked at in one go. */
export const looksMax = 64;
const slotBytes = 256;
const slotWords = slotBytes / 4;
/** In place of the mask of a `statx` structure: the look failed, and the next word says why. */
const failed = 0xffff_ffff;
/** A directory is listed as long as so much is left for it: more than the longest record of a listing. */
const listingRoomBytes = 64 * 1024;

/** Why `pack` stopped: bits. */
export const packStop = {
  /** Before an entry that is not packed: a directory, one whose look failed, or any with `askAlways`. */
  ask: 1,
  /** After the last entry of a block. */
  blockEnded: 2,
  /** After an entry that belongs to others than the one before it. */
  ownerChanged: 4,
} as const;

/**
 * Lists directories and looks at what is in them, and packs that into its memory, with a kernel in WASM: an unchanged tree is gone through
 * without a string or an object for each of its entries.
 *
 * Memory: 15 MiB, of which counts what is written, about 2.
 */
export class ScanKernel implements PackMemory {
  readonly state: Uint32Array;
  readonly numbers: Float64Array<ArrayBuffer>;
  readonly bytes: LatinBuffer;
  readonly namesAt: number;
  /** Packs names of the directory at hand, from one up to another, which have been looked at. @returns bits of `packStop`, 0 at the end */
  readonly pack: (index: number, end: number) => number;
  /** Packs one that `pack` stopped before. @returns bits of `packStop` */
  readonly packOne: (index: number) => number;
  readonly #libc: Libc;
  readonly #base: number;
  readonly #order: Uint32Array;
  readonly #slots: Uint32Array;
  readonly #places: {
    readonly slots: number;
    readonly listing: number;
    readonly listingEnd: number;
    readonly directory: number;
  };
  readonly #enter: (length: number) => number;
  readonly #list: (from: number, end: number) => number;
  readonly #sort: () => number;

  /** @throws {RangeError} there is no memory for it */
  constructor(c: Libc) {
    const { memory, call, constant } = startKernel(scanWasmBase64, memoryBytes);
    const { buffer } = memory;
    this.#libc = c;
    this.#base = c.addressOf(memory);
    this.bytes = Buffer.from(buffer) as LatinBuffer;
    this.state = new Uint32Array(buffer, constant("STATE"), 16);
    this.numbers = new Float64Array(buffer, constant("NUMBERS"), packedRecordsMax * numbersPerRecord);
    this.namesAt = constant("NAMES");
    const listing = constant("LISTING");
    this.#places = {
      slots: constant("SLOTS"),
      listing,
      listingEnd: listing + constant("LISTING_BYTES"),
      directory: constant("DIRECTORY"),
    };
    this.#order = new Uint32Array(buffer, constant("ORDER"), constant("ORDER_MAX"));
    this.#slots = new Uint32Array(buffer, this.#places.slots, looksMax * slotWords);
    this.pack = call("pack");
    this.packOne = call("packOne");
    this.#enter = call("enter");
    this.#list = call("list");
    this.#sort = call("sort");
  }

  /**
   * Lists a directory that is open, for `lookAt` and `pack`.
   *
   * @param dir - its path below the root
   * @returns how many names it has; undefined where that cannot be done here: an error, or too many
   */
  list(fd: number, dir: string): number | undefined {
    const { listing, listingEnd, directory } = this.#places;
    if (dir.length > directoryBytesMax) return undefined;
    this.#enter(this.bytes.latin1Write(dir, directory));
    for (let at = listing; ;) {
      if (at + listingRoomBytes > listingEnd) return undefined;
      const filled = this.#libc.getdents(fd, this.#base + at, listingEnd - at);
      if (filled < 0) return undefined;
      if (filled === 0) break;
      if (this.#list(at, at + filled) === 0) return undefined;
      at += filled;
    }
    this.#sort();
    return this.state[packState.listed] ?? 0;
  }

  /** The name at `index` in the order of the listing. */
  name(index: number): string {
    const start = this.#order[index] ?? 0;
    return this.bytes.latin1Slice(start, this.bytes.indexOf(0, start));
  }

  /** Looks at the names from one up to another, `looksMax` at most. */
  lookAt(fd: number, from: number, end: number): void {
    const base = this.#base;
    const order = this.#order;
    const { statx } = this.#libc;
    this.state[packState.first] = from;
    let out = base + this.#places.slots;
    for (let index = from; index < end; index++) {
      if (statx(fd, base + (order[index] ?? 0), statxFlags, statxMask, out) !== 0) this.#fail(index - from);
      out += slotBytes;
    }
  }

  /** Looks once more at a name of those that `lookAt` looked at last. */
  lookAgain(fd: number, index: number): void {
    const slot = index - (this.state[packState.first] ?? 0);
    const out = this.#base + this.#places.slots + slot * slotBytes;
    if (this.#libc.statx(fd, this.#base + (this.#order[index] ?? 0), statxFlags, statxMask, out) !== 0)
      this.#fail(slot);
  }

  #fail(slot: number): void {
    this.#slots[slot * slotWords] = failed;
    this.#slots[slot * slotWords + 1] = this.#libc.errno();
  }

  /** What the look at a name told that `pack` stopped before. */
  looked(index: number): {
    /** 0, or why the look failed. */
    readonly errno: number;
    readonly isDirectory: boolean;
    readonly device: number;
    readonly inodeHi: number;
    readonly inodeLo: number;
    readonly attributes: number;
  } {
    const slots = this.#slots;
    const at = (index - (this.state[packState.first] ?? 0)) * slotWords;
    return {
      errno: slots[at] === failed ? (slots[at + 1] ?? 0) : 0,
      isDirectory: ((slots[at + 7] ?? 0) & 0o170000) === 0o040000,
      device: (slots[at + 34] ?? 0) * 0x1_0000_0000 + (slots[at + 35] ?? 0),
      inodeHi: slots[at + 9] ?? 0,
      inodeLo: slots[at + 8] ?? 0,
      attributes: slots[at + 2] ?? 0,
    };
  }
}

/** A kernel for one scan at a time; undefined where the C library is not reached, or there is no memory. */
export function startScanKernel(): ScanKernel | undefined {
  const c = libc();
  if (c === undefined) return undefined;
  try {
    return new ScanKernel(c);
  } catch (error) {
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}

const memoryBytes = 15 * 1024 * 1024;
const directoryBytesMax = 4096;
