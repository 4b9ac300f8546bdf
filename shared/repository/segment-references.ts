import type { PackReference } from "#shared/format/state.ts";
import type { PackId } from "#shared/format/ids.ts";
import type { SegmentTable } from "./segment-table.ts";

/** The set of segments that a snapshot needs, by ordinal. Memory: one bit a segment. */
export class SegmentReferences {
  #bits = new Uint8Array(1024);

  /** Marks a segment as needed. */
  mark(ordinal: number): void {
    const byte = ordinal >>> 3;
    if (byte >= this.#bits.byteLength) {
      const bits = new Uint8Array(Math.max(byte + 1, this.#bits.byteLength * 2));
      bits.set(this.#bits);
      this.#bits = bits;
    }
    this.#bits[byte] = (this.#bits[byte] ?? 0) | (1 << (ordinal & 7));
  }

  /** Whether a segment is marked. */
  has(ordinal: number): boolean {
    return ((this.#bits[ordinal >>> 3] ?? 0) & (1 << (ordinal & 7))) !== 0;
  }

  /** The packs with marked segments among those of the table. */
  ofTable(segments: SegmentTable): PackReference[] {
    const references: PackReference[] = [];
    for (const pack of segments.packs) {
      const reference = this.ofPack(
        pack.packId,
        Array.from({ length: pack.segmentCount }, (_each, row) => pack.firstSegment + row),
      );
      if (reference !== undefined) references.push(reference);
    }
    return references;
  }

  /** The reference to one pack whose rows have these ordinals, or undefined when none is marked. */
  ofPack(packId: PackId, ordinals: readonly number[]): PackReference | undefined {
    const segments = new Uint8Array(Math.ceil(ordinals.length / 8));
    let marked = false;
    for (const [row, ordinal] of ordinals.entries()) {
      if (!this.has(ordinal)) continue;
      const byte = row >>> 3;
      segments[byte] = (segments[byte] ?? 0) | (1 << (row & 7));
      marked = true;
    }
    return marked ? { packId, segments } : undefined;
  }
}
