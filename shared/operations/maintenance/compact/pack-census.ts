import { idToBytes, type PackId, type StateId } from "#shared/format/ids.ts";
import { packTableRowBytes } from "#shared/format/pack.ts";
import type { PackKind } from "#shared/format/segment.ts";
import type { StatePack } from "#shared/format/state.ts";
import type { LogState } from "#shared/log/log-state.ts";
import { NeededPacks } from "#shared/log/needed-packs.ts";
import { PackIdTable } from "#shared/log/pack-id-table.ts";
import { resolveRow, rowsOf } from "#shared/log/resolve-row.ts";
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
const noRows = new Uint8Array(0);

/**
 * Which packs there are and which of their segments live snapshots need, as the heads of states and the log tell: what compaction is
 * planned and judged by.
 *
 * References are added and never taken out: where a snapshot was removed meanwhile, more counts as live than is, which is safe.
 * Memory: about 130 bytes a pack and 4 a segment, in a few large arrays; a million packs of 32 segments take 260 MB.
 */
export class PackCensus {
  readonly #packs = new PackIdTable();
  /** What snapshots reference, by the names that they use. */
  readonly #referenced = new NeededPacks();
  /** Of that, what relocations have moved: where it is now. */
  #moved = new NeededPacks();
  #resolved: LogState["relocated"] | undefined;
  /** Sealed bytes of segment, directory and row, of all rows of all packs one after the other. */
  #rowBytes = new Uint32Array(16 * 1024);
  #rows = 0;
  /** Per pack: kind, size in bytes, first of its `#rowBytes`, number of rows, hash of its table. */
  #kinds = new Uint8Array(1024);
  #sizes = new Uint32Array(1024);
  #firstRows = new Uint32Array(1024);
  #rowCounts = new Uint32Array(1024);
  #checks = new Uint8Array(1024 * tableCheckBytes);

  /** Whether the references of a snapshot were added. */
  covers(stateId: StateId): boolean {
    return this.#referenced.covers(stateId);
  }

  /** Adds a pack, from the state or the relocation that brought it. What is known already is compared. */
  addPack({ packId, kind, sizeBytes, table }: StatePack): void {
    this.addPackAt(idToBytes(packId), 0, { kind, sizeBytes, table });
  }

  /** Adds a pack whose id is 32 bytes of `ids` from `idAt`. The table is not kept. */
  addPackAt(
    ids: Uint8Array,
    idAt: number,
    { kind, sizeBytes, table }: Pick<StatePack, "kind" | "sizeBytes" | "table">,
  ): void {
    const known = this.#packs.size;
    const pack = this.#packs.add(ids, idAt);
    const check = tableCheckOf(table);
    if (pack < known) {
      const before = this.#checkOf(pack);
      const same = this.#kinds[pack] === kindCodes[kind] && this.#sizes[pack] === sizeBytes;
      if (!same || check.some((byte, at) => byte !== before[at])) this.#kinds[pack] = contradicted;
      return;
    }
    const rowCount = table.byteLength / packTableRowBytes;
    this.#makeRoom(pack, rowCount);
    this.#kinds[pack] = kindCodes[kind];
    this.#sizes[pack] = sizeBytes;
    this.#firstRows[pack] = this.#rows;
    this.#rowCounts[pack] = rowCount;
    this.#checks.set(check, pack * tableCheckBytes);
    const view = new DataView(table.buffer, table.byteOffset, table.byteLength);
    for (let at = 0; at < table.byteLength; at += packTableRowBytes)
      this.#rowBytes[this.#rows++] = view.getUint32(at + 44, true) + view.getUint32(at + 52, true) + packTableRowBytes;
  }

  /** Adds a reference of a live snapshot: the id of a pack (32 bytes of `ids` from `idAt`) and a bitmap of its rows. */
  addReference(ids: Uint8Array, idAt: number, segments: Uint8Array, segmentsAt: number, segmentsBytes: number): void {
    this.#referenced.addReference(ids, idAt, segments, segmentsAt, segmentsBytes);
    this.#resolved = undefined;
  }

  /** Says that all references of a snapshot were added. */
  cover(stateId: StateId): void {
    this.#referenced.cover(stateId);
  }

  /**
   * The rows of a pack that snapshots need, as `log` resolves what they reference; as in `CountedPack`. Takes time for all packs that were
   * relocated, but once only for the same references and relocations.
   */
  liveRows(log: Pick<LogState, "relocated">, packId: PackId): Uint8Array {
    this.#resolve(log);
    const moved = this.#moved.referencedRows(packId);
    const named = this.#referenced.referencedRows(packId) ?? noRows;
    const left = log.relocated.get(packId)?.segments;
    if (moved === undefined && left === undefined) return named;
    const rows = new Uint8Array(Math.max(named.byteLength, moved?.byteLength ?? 0));
    for (let byte = 0; byte < rows.byteLength; byte++)
      rows[byte] = ((named[byte] ?? 0) & ~(left?.[byte] ?? 0)) | (moved?.[byte] ?? 0);
    return rows;
  }

  /** The packs whose tables are known and not contradicted, in the order in which they were added. Views: not to be kept. */
  *packs(log: Pick<LogState, "relocated">): Generator<CountedPack, void, undefined> {
    for (let pack = 0; pack < this.#packs.size; pack++) {
      const code = this.#kinds[pack];
      if (code !== kindCodes.data && code !== kindCodes.meta) continue;
      const packId = this.#packs.idAt(pack);
      const liveRows = this.liveRows(log, packId);
      const rowCount = this.#rowCounts[pack] ?? 0;
      const firstRow = this.#firstRows[pack] ?? 0;
      let [liveRowCount, liveBytes, deadBytes] = [0, 0, 0];
      for (let row = 0; row < rowCount; row++) {
        const bytes = this.#rowBytes[firstRow + row] ?? 0;
        if (((liveRows[row >>> 3] ?? 0) & (1 << (row & 7))) === 0) deadBytes += bytes;
        else {
          liveBytes += bytes;
          liveRowCount++;
        }
      }
      yield {
        packId,
        kind: code === kindCodes.data ? "data" : "meta",
        sizeBytes: this.#sizes[pack] ?? 0,
        rowCount,
        liveRows,
        liveRowCount,
        liveBytes,
        deadBytes,
        tableCheck: this.#checkOf(pack),
      };
    }
  }

  #resolve(log: Pick<LogState, "relocated">): void {
    if (this.#resolved === log.relocated) return;
    this.#moved = new NeededPacks();
    for (const packId of log.relocated.keys()) {
      for (const row of rowsOf(this.#referenced.referencedRows(packId) ?? noRows)) {
        const at = resolveRow(log, packId, row);
        if (at.packId === packId) continue;
        const bit = new Uint8Array((at.row >>> 3) + 1);
        bit[at.row >>> 3] = 1 << (at.row & 7);
        this.#moved.addReference(idToBytes(at.packId), 0, bit, 0, bit.byteLength);
      }
    }
    this.#resolved = log.relocated;
  }

  #checkOf(pack: number): Uint8Array {
    return this.#checks.subarray(pack * tableCheckBytes, (pack + 1) * tableCheckBytes);
  }

  #makeRoom(pack: number, rowCount: number): void {
    const have = this.#kinds.length;
    if (pack >= have) {
      this.#kinds = grown(this.#kinds, new Uint8Array(have * 2));
      this.#sizes = grown(this.#sizes, new Uint32Array(have * 2));
      this.#firstRows = grown(this.#firstRows, new Uint32Array(have * 2));
      this.#rowCounts = grown(this.#rowCounts, new Uint32Array(have * 2));
      this.#checks = grown(this.#checks, new Uint8Array(have * 2 * tableCheckBytes));
    }
    const rows = this.#rows + rowCount;
    if (rows > this.#rowBytes.length)
      this.#rowBytes = grown(this.#rowBytes, new Uint32Array(Math.max(rows, this.#rowBytes.length * 2)));
  }
}

function grown<Column extends { set(from: Column): void }>(from: Column, to: Column): Column {
  to.set(from);
  return to;
}
