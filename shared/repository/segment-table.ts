import type { PackKind } from "#shared/format/segment.ts";
import type { PackId } from "#shared/format/ids.ts";
import { packTableRowBytes, readPackTableRow } from "#shared/format/pack.ts";
import type { LogState } from "#shared/log/log-state.ts";
import { HoldfastError } from "#shared/errors.ts";
import { type SegmentStanding, SegmentStandings } from "./segment-standings.ts";

/** What of a log says where segments are. */
export type SegmentsLog = Pick<LogState, "relocated" | "condemned" | "swept">;

/** A pack that the table knows. */
export type KnownPack = {
  readonly packId: PackId;
  readonly kind: PackKind;
  readonly sizeBytes: number;
  /** Ordinal of its first segment; the others follow. */
  readonly firstSegment: number;
  readonly segmentCount: number;
};

/** Where a segment is and under which session it is sealed. */
export type SegmentPlace = {
  readonly ordinal: number;
  readonly pack: KnownPack;
  readonly offsetBytes: number;
  readonly sealedBytes: number;
  readonly segmentId: Uint8Array;
  readonly sessionId: Uint8Array;
};

/**
 * The segments of all known packs under consecutive ordinals, as the blob index names them: those of packs that states add, and those
 * of packs that relocations placed.
 *
 * An ordinal stands for a row of a pack, for ever. Where relocations moved its segment, `current` gives the ordinal under which it is read now;
 * `place` takes ordinals as they are.
 *
 * Memory: 56 bytes a segment, about a hundred bytes a pack; 5 bytes a segment more once the log condemned, swept or relocated any.
 */
export class SegmentTable {
  readonly #packs: KnownPack[] = [];
  readonly #tables: Uint8Array[] = [];
  readonly #packIndexes = new Map<PackId, number>();
  #count = 0;
  #standings: SegmentStandings | undefined;

  /** Segments in all; the ordinal that the next pack's first segment gets. */
  get count(): number {
    return this.#count;
  }

  /** All packs, in order of their ordinals. */
  get packs(): readonly KnownPack[] {
    return this.#packs;
  }

  /** Adds a pack whose table was checked; of a pack that is known already nothing changes. @returns the pack as known */
  addPack(pack: { packId: PackId; kind: PackKind; sizeBytes: number; table: Uint8Array }): KnownPack {
    const known = this.findPack(pack.packId);
    if (known !== undefined) return known;
    const segmentCount = pack.table.byteLength / packTableRowBytes;
    const added = {
      packId: pack.packId,
      kind: pack.kind,
      sizeBytes: pack.sizeBytes,
      firstSegment: this.#count,
      segmentCount,
    };
    this.#packIndexes.set(pack.packId, this.#packs.length);
    this.#packs.push(added);
    this.#tables.push(pack.table);
    this.#count += segmentCount;
    return added;
  }

  /**
   * Takes over what a log says of the packs: which segments moved, and which are condemned or gone. To be called once the packs of all states
   * are there and those that relocations placed, and again for each newer fold.
   */
  follow(log: SegmentsLog): void {
    const isQuiet = log.relocated.size === 0 && log.condemned.size === 0 && log.swept.size === 0;
    this.#standings = isQuiet ? undefined : new SegmentStandings(this, log);
  }

  /** The ordinal under which a segment is read: its own, or that of the row to which relocations moved it. */
  current(ordinal: number): number {
    return this.#standings === undefined ? ordinal : this.#standings.current(ordinal);
  }

  /** Whether the segment, where it is read, may be relied on. Packs that were added since `follow` count as live. */
  standing(ordinal: number): SegmentStanding {
    return this.#standings === undefined ? "live" : this.#standings.standing(ordinal);
  }

  /** Whether all segments are live where they were first stored: nothing is relocated, condemned or swept. */
  get isQuiet(): boolean {
    return this.#standings === undefined;
  }

  /** The pack by that id, or undefined. */
  findPack(packId: PackId): KnownPack | undefined {
    const index = this.#packIndexes.get(packId);
    return index === undefined ? undefined : this.#packs[index];
  }

  /** The table of a known pack, rows of 56 bytes. */
  tableOf(pack: KnownPack): Uint8Array {
    const table = this.#tables[this.#packIndexes.get(pack.packId) ?? -1];
    if (table === undefined) throw new HoldfastError("internal", `Cannot find the table of pack ${pack.packId}`);
    return table;
  }

  /** The pack that holds a segment. @throws {HoldfastError} internal: no such ordinal */
  packOf(ordinal: number): KnownPack {
    return this.#at(ordinal).pack;
  }

  /** The place of a segment. @throws {HoldfastError} internal: no such ordinal */
  place(ordinal: number): SegmentPlace {
    const { pack, table } = this.#at(ordinal);
    const row = readPackTableRow(table, ordinal - pack.firstSegment);
    return {
      ordinal,
      pack,
      offsetBytes: row.segmentOffset,
      sealedBytes: row.segmentBytes,
      segmentId: row.segmentId,
      sessionId: row.sessionId,
    };
  }

  #at(ordinal: number): { pack: KnownPack; table: Uint8Array } {
    let low = 0;
    let high = this.#packs.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >>> 1;
      if ((this.#packs[middle]?.firstSegment ?? 0) <= ordinal) low = middle;
      else high = middle - 1;
    }
    const pack = this.#packs[low];
    const table = this.#tables[low];
    if (pack === undefined || table === undefined || ordinal < 0 || ordinal >= pack.firstSegment + pack.segmentCount) {
      throw new HoldfastError("internal", `Cannot find segment ${ordinal}`);
    }
    return { pack, table };
  }
}
