import { indexPrefixBytes } from "#shared/format/index-section.ts";
import type { IndexPart } from "./index-part.ts";

/** Bits a row. With four bits set for each, a blob that is not there is taken for one that is in about 2 of 100 cases. */
const bitsPerRow = 8;

/**
 * Says of an index part that is not in memory whether a blob may be in it: never no wrongly.
 *
 * Ids are the bits of a MAC, so that parts of them serve as hashes. Memory: a byte a row.
 *
 * @see Bloom, "Space/time trade-offs in hash coding with allowable errors", 1970
 */
export class PrefixFilter {
  readonly #bits: Uint8Array;
  readonly #bitCount: number;

  constructor(part: IndexPart) {
    this.#bitCount = Math.max(64, part.count * bitsPerRow);
    this.#bits = new Uint8Array(Math.ceil(this.#bitCount / 8));
    const prefix = new Uint8Array(indexPrefixBytes);
    for (let row = 0; row < part.count; row++) {
      part.copyPrefix(row, prefix);
      for (let word = 1; word < 5; word++) {
        const bit = this.#bit(prefix, word * 4);
        this.#bits[bit >>> 3] = (this.#bits[bit >>> 3] ?? 0) | (1 << (bit & 7));
      }
    }
  }

  /** Whether the blob whose id begins at `ids[offset]` may be in the part. */
  mayHave(ids: Uint8Array, offset: number): boolean {
    for (let word = 1; word < 5; word++) {
      const bit = this.#bit(ids, offset + word * 4);
      if (((this.#bits[bit >>> 3] ?? 0) & (1 << (bit & 7))) === 0) return false;
    }
    return true;
  }

  /** The bit of four bytes: where they lie among all values, scaled. Rows in a filter are below 2^28. */
  #bit(bytes: Uint8Array, at: number): number {
    const word =
      (((bytes[at] ?? 0) << 24) | ((bytes[at + 1] ?? 0) << 16) | ((bytes[at + 2] ?? 0) << 8) | (bytes[at + 3] ?? 0)) >>>
      0;
    return Math.floor((word / 0x1_0000_0000) * this.#bitCount);
  }
}
