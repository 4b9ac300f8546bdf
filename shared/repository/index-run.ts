import { indexPrefixBytes, indexRowBytes } from "#shared/format/index-section.ts";
import type { IndexPart } from "./index-part.ts";
import { comparePrefixes } from "./merge-index-rows.ts";

/**
 * Finds rows in a sorted run of the blob index by a table of where each value of the first bits of an id begins.
 *
 * The run may be shared memory; runs are never changed. Memory beside the rows: about half a byte a row.
 */
export class IndexRun implements IndexPart {
  /** Rows of 32 bytes: id prefix 20, segment ordinal u32, offset u32, length u32. */
  readonly rows: Uint8Array;
  readonly count: number;
  readonly #view: DataView;
  readonly #starts: Uint32Array;
  readonly #shift: number;

  constructor(rows: Uint8Array) {
    this.rows = rows;
    this.count = rows.byteLength / indexRowBytes;
    this.#view = new DataView(rows.buffer, rows.byteOffset, rows.byteLength);
    const bits = Math.min(20, Math.max(1, Math.ceil(Math.log2(this.count + 1)) - 3));
    this.#shift = 32 - bits;
    this.#starts = new Uint32Array(2 ** bits + 1);
    for (let row = 0; row < this.count; row++) {
      const bucket = this.#view.getUint32(row * indexRowBytes, false) >>> this.#shift;
      this.#starts[bucket + 1] = row + 1;
    }
    for (let bucket = 1; bucket < this.#starts.length; bucket++) {
      if ((this.#starts[bucket] ?? 0) < (this.#starts[bucket - 1] ?? 0))
        this.#starts[bucket] = this.#starts[bucket - 1] ?? 0;
    }
  }

  /** The last row of the blob whose id begins at `ids[offset]`, or -1. Rows of other copies are right before it. */
  find(ids: Uint8Array, offset: number): number {
    const first =
      (((ids[offset] ?? 0) << 24) |
        ((ids[offset + 1] ?? 0) << 16) |
        ((ids[offset + 2] ?? 0) << 8) |
        (ids[offset + 3] ?? 0)) >>>
      0;
    const bucket = first >>> this.#shift;
    let low = this.#starts[bucket] ?? 0;
    const end = this.#starts[bucket + 1] ?? 0;
    let high = end - 1;
    while (low <= high) {
      const middle = (low + high) >>> 1;
      const order = this.#compare(ids, offset, first, middle);
      if (order === 0) return this.#lastCopy(ids, offset, first, middle, end);
      if (order < 0) high = middle - 1;
      else low = middle + 1;
    }
    return -1;
  }

  get sizeBytes(): number {
    return this.rows.byteLength + this.#starts.byteLength;
  }

  copyPrefix(row: number, to: Uint8Array): void {
    to.set(this.rows.subarray(row * indexRowBytes, row * indexRowBytes + indexPrefixBytes));
  }

  segmentOf(row: number): number {
    return this.#view.getUint32(row * indexRowBytes + 20, true);
  }

  offsetOf(row: number): number {
    return this.#view.getUint32(row * indexRowBytes + 24, true);
  }

  lengthOf(row: number): number {
    return this.#view.getUint32(row * indexRowBytes + 28, true);
  }

  #lastCopy(ids: Uint8Array, offset: number, first: number, row: number, end: number): number {
    let last = row;
    while (last + 1 < end && this.#compare(ids, offset, first, last + 1) === 0) last++;
    return last;
  }

  /** Whether two rows are copies of one blob. */
  isCopy(row: number, other: number): boolean {
    return comparePrefixes(this.rows, row * indexRowBytes, this.rows, other * indexRowBytes) === 0;
  }

  #compare(ids: Uint8Array, offset: number, first: number, row: number): number {
    const at = row * indexRowBytes;
    const theirs = this.#view.getUint32(at, false);
    if (first !== theirs) return first < theirs ? -1 : 1;
    for (let index = 4; index < indexPrefixBytes; index++) {
      const difference = (ids[offset + index] ?? 0) - (this.rows[at + index] ?? 0);
      if (difference !== 0) return difference;
    }
    return 0;
  }
}
