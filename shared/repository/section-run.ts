import { indexPrefixBytes } from "#shared/format/index-section.ts";
import { HoldfastError } from "#shared/errors.ts";
import type { IndexPart } from "./index-part.ts";
import { comparePrefixes } from "./merge-index-rows.ts";

/**
 * A large index section, searched in the columns in which it is stored: no row is copied.
 *
 * Memory: what it is made of, and about half a byte a row.
 */
export class SectionRun implements IndexPart {
  readonly count: number;
  readonly sizeBytes: number;
  readonly #prefixes: Uint8Array;
  readonly #columns: DataView;
  /** The ordinal of each segment of the state in the segment table. */
  readonly #ordinals: Uint32Array;
  readonly #heads: DataView;
  readonly #starts: Uint32Array;
  readonly #shift: number;

  /**
   * @param parts.prefixes - count × 20 bytes; @param parts.columns - count × 12 bytes, decoded
   * @throws {HoldfastError} corrupt: prefixes not strictly ascending, or a segment that the state does not have
   */
  constructor(parts: {
    readonly prefixes: Uint8Array;
    readonly columns: Uint8Array;
    readonly ordinals: Uint32Array;
    readonly subject: string;
  }) {
    const { prefixes, columns, ordinals, subject } = parts;
    this.count = prefixes.byteLength / indexPrefixBytes;
    this.#prefixes = prefixes;
    this.#columns = new DataView(columns.buffer, columns.byteOffset, columns.byteLength);
    this.#ordinals = ordinals;
    this.#heads = new DataView(prefixes.buffer, prefixes.byteOffset, prefixes.byteLength);
    const bits = Math.min(20, Math.max(1, Math.ceil(Math.log2(this.count + 1)) - 3));
    this.#shift = 32 - bits;
    this.#starts = new Uint32Array(2 ** bits + 1);
    this.sizeBytes = prefixes.buffer.byteLength + columns.buffer.byteLength + this.#starts.byteLength;
    const fail = (reason: string): never => {
      throw new HoldfastError("corrupt", `Cannot read ${subject}: ${reason}`);
    };
    if (columns.byteLength !== this.count * 12) fail("its columns have the wrong length");
    let before = 0;
    for (let row = 0; row < this.count; row++) {
      const head = this.#heads.getUint32(row * indexPrefixBytes, false);
      if (row > 0 && head <= before && (head < before || this.#compareRows(row - 1, row) >= 0)) {
        fail("its rows are not in ascending order");
      }
      before = head;
      this.#starts[(head >>> this.#shift) + 1] = row + 1;
      if (this.#columns.getUint32(row * 4, true) >= ordinals.length) {
        fail("it names a segment that is not in the tables of its packs");
      }
    }
    for (let bucket = 1; bucket < this.#starts.length; bucket++) {
      const least = this.#starts[bucket - 1] ?? 0;
      if ((this.#starts[bucket] ?? 0) < least) this.#starts[bucket] = least;
    }
  }

  find(ids: Uint8Array, offset: number): number {
    const head =
      (((ids[offset] ?? 0) << 24) |
        ((ids[offset + 1] ?? 0) << 16) |
        ((ids[offset + 2] ?? 0) << 8) |
        (ids[offset + 3] ?? 0)) >>>
      0;
    const bucket = head >>> this.#shift;
    let low = this.#starts[bucket] ?? 0;
    let high = (this.#starts[bucket + 1] ?? 0) - 1;
    while (low <= high) {
      const middle = (low + high) >>> 1;
      const order = comparePrefixes(ids, offset, this.#prefixes, middle * indexPrefixBytes);
      if (order === 0) return middle;
      if (order < 0) high = middle - 1;
      else low = middle + 1;
    }
    return -1;
  }

  segmentOf(row: number): number {
    return this.#ordinals[this.#columns.getUint32(row * 4, true)] ?? 0;
  }

  offsetOf(row: number): number {
    return this.#columns.getUint32((this.count + row) * 4, true);
  }

  lengthOf(row: number): number {
    return this.#columns.getUint32((2 * this.count + row) * 4, true);
  }

  isCopy(row: number, other: number): boolean {
    return row === other; // a section has each blob once
  }

  copyPrefix(row: number, to: Uint8Array): void {
    to.set(this.#prefixes.subarray(row * indexPrefixBytes, (row + 1) * indexPrefixBytes));
  }

  #compareRows(row: number, other: number): number {
    return comparePrefixes(this.#prefixes, row * indexPrefixBytes, this.#prefixes, other * indexPrefixBytes);
  }
}
