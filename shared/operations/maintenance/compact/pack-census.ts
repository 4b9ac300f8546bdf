import type { PackId, StateId } from "#shared/format/ids.ts";
import { packTableRowBytes } from "#shared/format/pack.ts";
import type { PackKind } from "#shared/format/segment.ts";
import type { PackReference, StatePack } from "#shared/format/state.ts";
import type { LogState } from "#shared/log/log-state.ts";
import { resolveRow, rowsOf } from "#shared/log/resolve-row.ts";
import { PackOrdinals } from "./pack-ordinals.ts";
import { tableCheckBytes, tableCheckOf } from "./table-check.ts";

/** A pack as the census knows it. */
export type CountedPack = {
  readonly packId: PackId;
  readonly kind: PackKind;
  readonly sizeBytes: number;
  readonly rowCount: number;
  /** The rows that a live snapshot needs: bit n (least significant first) of byte n div 8 stands for row n. */
  readonly liveRows: Uint8Array;
  readonly liveRowCount: number;
  /** Bytes of segments, directories and rows of the table: of live rows, and of the others. */
  readonly liveBytes: number;
  readonly deadBytes: number;
  /** `tableCheckOf` the pack's table. */
  readonly tableCheck: Uint8Array;
};

const kindCodes = { data: 1, meta: 2 } as const;
/** What is said of one pack in two ways is not relied on. */
const contradicted = 3;

/**
 * Which packs there are and which of their segments live snapshots need, as the heads of states and the log tell: what compaction is
 * planned and judged by.
 *
 * References are added and never taken out: where a snapshot was removed meanwhile, more counts as live than is, which is safe.
 * Memory: about 110 bytes a pack and 4 a segment, in a few large arrays; a million packs of 32 segments take 250 MB.
 */
export class PackCensus {
  readonly #ordinals = new PackOrdinals();
  readonly #covered = new Set<StateId>();
  /** Sealed bytes of segment, directory and row, of all rows of all packs one after the other. */
  readonly #rowBytes = new GrowingUint32();
  /** Per pack: kind, size in bytes, first of its `#rowBytes`, number of rows, hash of its table. */
  readonly #kinds = new GrowingUint8();
  readonly #sizes = new GrowingUint32();
  readonly #firstRows = new GrowingUint32();
  readonly #rowCounts = new GrowingUint32();
  readonly #checks = new GrowingUint8();
  /** Bitmaps of live rows, and where each pack's begins and how many bytes it has. */
  readonly #bits = new GrowingUint8();
  readonly #bitsAt = new GrowingUint32();
  readonly #bitsBytes = new GrowingUint32();

  /** Packs that were named. */
  get count(): number {
    return this.#ordinals.count;
  }

  /** Whether the references of a snapshot were added. */
  covers(stateId: StateId): boolean {
    return this.#covered.has(stateId);
  }

  /** Adds a pack, from the state or the relocation that brought it. What is known already is compared. */
  addPack(pack: StatePack): void {
    const ordinal = this.#add(pack.packId);
    const check = tableCheckOf(pack.table);
    const code = kindCodes[pack.kind];
    if (this.#kinds.at(ordinal) !== 0) {
      const known = this.#checks.view(ordinal * tableCheckBytes, tableCheckBytes);
      const same = this.#kinds.at(ordinal) === code && this.#sizes.at(ordinal) === pack.sizeBytes;
      if (!same || check.some((byte, at) => byte !== known[at])) this.#kinds.set(ordinal, contradicted);
      return;
    }
    const rowCount = pack.table.byteLength / packTableRowBytes;
    this.#kinds.set(ordinal, code);
    this.#sizes.set(ordinal, pack.sizeBytes);
    this.#firstRows.set(ordinal, this.#rowBytes.length);
    this.#rowCounts.set(ordinal, rowCount);
    this.#checks.setAll(ordinal * tableCheckBytes, check);
    const view = new DataView(pack.table.buffer, pack.table.byteOffset, pack.table.byteLength);
    for (let at = 0; at < pack.table.byteLength; at += packTableRowBytes)
      this.#rowBytes.push(view.getUint32(at + 44, true) + view.getUint32(at + 52, true) + packTableRowBytes);
  }

  /** Adds what a live snapshot references, as `log` resolves it. */
  addReferences(log: Pick<LogState, "relocated">, stateId: StateId, references: Iterable<PackReference>): void {
    if (this.#covered.has(stateId)) return;
    this.#covered.add(stateId);
    for (const { packId, segments } of references) {
      if (log.relocated.has(packId)) {
        for (const row of rowsOf(segments)) {
          const at = resolveRow(log, packId, row);
          const bit = new Uint8Array((at.row >>> 3) + 1);
          bit[at.row >>> 3] = 1 << (at.row & 7);
          this.#mark(this.#add(at.packId), bit);
        }
      } else this.#mark(this.#add(packId), segments);
    }
  }

  /** The live rows of a pack, as in `CountedPack`; a view that the next change may leave behind. */
  liveRows(packId: PackId): Uint8Array {
    const ordinal = this.#ordinals.find(packId);
    return ordinal < 0 ? new Uint8Array(0) : this.#bits.view(this.#bitsAt.at(ordinal), this.#bitsBytes.at(ordinal));
  }

  /** The packs whose tables are known and not contradicted, in the order in which they were first named. */
  *packs(): Generator<CountedPack, void, undefined> {
    for (let ordinal = 0; ordinal < this.#ordinals.count; ordinal++) {
      const code = this.#kinds.at(ordinal);
      if (code !== kindCodes.data && code !== kindCodes.meta) continue;
      yield this.#counted(ordinal, code === kindCodes.data ? "data" : "meta");
    }
  }

  #counted(ordinal: number, kind: PackKind): CountedPack {
    const rowCount = this.#rowCounts.at(ordinal);
    const firstRow = this.#firstRows.at(ordinal);
    const marked = this.#bits.view(this.#bitsAt.at(ordinal), this.#bitsBytes.at(ordinal));
    let [liveRowCount, liveBytes, deadBytes] = [0, 0, 0];
    for (let row = 0; row < rowCount; row++) {
      const bytes = this.#rowBytes.at(firstRow + row);
      if (((marked[row >>> 3] ?? 0) & (1 << (row & 7))) === 0) deadBytes += bytes;
      else {
        liveBytes += bytes;
        liveRowCount++;
      }
    }
    return {
      packId: this.#ordinals.packId(ordinal),
      kind,
      sizeBytes: this.#sizes.at(ordinal),
      rowCount,
      liveRows: marked,
      liveRowCount,
      liveBytes,
      deadBytes,
      tableCheck: this.#checks.view(ordinal * tableCheckBytes, tableCheckBytes),
    };
  }

  #add(packId: PackId): number {
    const before = this.#ordinals.count;
    const ordinal = this.#ordinals.add(packId);
    if (ordinal < before) return ordinal;
    for (const each of [this.#kinds, this.#sizes, this.#firstRows, this.#rowCounts, this.#bitsAt, this.#bitsBytes])
      each.push(0);
    for (let byte = 0; byte < tableCheckBytes; byte++) this.#checks.push(0);
    return ordinal;
  }

  #mark(ordinal: number, segments: Uint8Array): void {
    const bytes = this.#bitsBytes.at(ordinal);
    if (segments.byteLength > bytes) {
      const old = this.#bits.view(this.#bitsAt.at(ordinal), bytes).slice();
      // Tables come first as a rule; then a bitmap gets its last length at once.
      const room = Math.max(segments.byteLength, Math.ceil(this.#rowCounts.at(ordinal) / 8));
      this.#bitsAt.set(ordinal, this.#bits.length);
      this.#bitsBytes.set(ordinal, room);
      for (let byte = 0; byte < room; byte++) this.#bits.push(old[byte] ?? 0);
    }
    const at = this.#bitsAt.at(ordinal);
    for (let byte = 0; byte < segments.byteLength; byte++)
      this.#bits.set(at + byte, this.#bits.at(at + byte) | (segments[byte] ?? 0));
  }
}

/** An array of bytes that doubles when it is full. */
class GrowingUint8 {
  #values = new Uint8Array(256);
  length = 0;

  push(value: number): void {
    if (this.length === this.#values.length) {
      const more = new Uint8Array(this.#values.length * 2);
      more.set(this.#values);
      this.#values = more;
    }
    this.#values[this.length++] = value;
  }

  at(index: number): number {
    return this.#values[index] ?? 0;
  }

  set(index: number, value: number): void {
    this.#values[index] = value;
  }

  setAll(index: number, values: Uint8Array): void {
    this.#values.set(values, index);
  }

  view(from: number, count: number): Uint8Array {
    return this.#values.subarray(from, from + count);
  }
}

/** An array of numbers below 2^32 that doubles when it is full. */
class GrowingUint32 {
  #values = new Uint32Array(256);
  length = 0;

  push(value: number): void {
    if (this.length === this.#values.length) {
      const more = new Uint32Array(this.#values.length * 2);
      more.set(this.#values);
      this.#values = more;
    }
    this.#values[this.length++] = value;
  }

  at(index: number): number {
    return this.#values[index] ?? 0;
  }

  set(index: number, value: number): void {
    this.#values[index] = value;
  }
}
