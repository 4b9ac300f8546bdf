import type { PackReference } from "#shared/format/state.ts";
import type { PackId } from "#shared/format/ids.ts";
import type { SegmentTable } from "./segment-table.ts";

/** Ordinals in a page: 8 KiB of bits. */
const pageBits = 16;
const pageBytes = 2 ** (pageBits - 3);

/** The set of segments that a snapshot needs, by ordinal. Memory: half a mebibyte, and a bit a segment in pages of 65,536. */
export class SegmentReferences {
  readonly #pages = Array.from<Uint8Array | undefined>({ length: 2 ** (32 - pageBits) });

  /** Marks a segment as needed. */
  mark(ordinal: number): void {
    const page = (this.#pages[ordinal >>> pageBits] ??= new Uint8Array(pageBytes));
    const byte = (ordinal >>> 3) & (pageBytes - 1);
    page[byte] = (page[byte] ?? 0) | (1 << (ordinal & 7));
  }

  /** Whether a segment is marked. */
  has(ordinal: number): boolean {
    const page = this.#pages[ordinal >>> pageBits];
    return page !== undefined && ((page[(ordinal >>> 3) & (pageBytes - 1)] ?? 0) & (1 << (ordinal & 7))) !== 0;
  }

  /** The same segments of the table under the ordinals as which they are read now; others are left out. */
  followed(segments: SegmentTable): SegmentReferences {
    const now = new SegmentReferences();
    for (let ordinal = 0; ordinal < segments.count; ordinal++)
      if (this.has(ordinal)) now.mark(segments.current(ordinal));
    return now;
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
