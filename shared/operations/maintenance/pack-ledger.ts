import { PackIdTable } from "#shared/log/pack-id-table.ts";

/** What is known of a pack, as bits. */
export const packFlags = {
  /** The listing of the store has it. */
  listed: 1,
  /** A published state adds it, or a relocation placed it: it is no orphan. */
  added: 2,
  /** The plan gives it up in this run. */
  sweeping: 4,
  /** A removed snapshot references it, or a relocation placed it. */
  used: 8,
} as const;

/**
 * All packs that a maintenance has heard of, a row each: from the listing of the store, from heads of states, from the log.
 *
 * Columns are flat arrays. Memory: about 70 bytes a pack.
 */
export class PackLedger {
  readonly ids = new PackIdTable();
  #sizes = new Float64Array(1024);
  #modified = new Float64Array(1024).fill(Number.NaN);
  #segments = new Uint32Array(1024);
  #flags = new Uint8Array(1024);

  /** Makes room for the row that the table gave, and gives it back. */
  hold(row: number): number {
    const have = this.#sizes.length;
    if (row < have) return row;
    const rows = Math.max(row + 1, have * 2);
    const [sizes, modified] = [new Float64Array(rows), new Float64Array(rows).fill(Number.NaN)];
    const [segments, flags] = [new Uint32Array(rows), new Uint8Array(rows)];
    sizes.set(this.#sizes);
    modified.set(this.#modified);
    segments.set(this.#segments);
    flags.set(this.#flags);
    [this.#sizes, this.#modified, this.#segments, this.#flags] = [sizes, modified, segments, flags];
    return row;
  }

  /** How many rows there are. */
  get size(): number {
    return this.ids.size;
  }

  /** Bytes of the object; 0 when it is not there. */
  sizeBytes(row: number): number {
    return this.#sizes[row] ?? 0;
  }

  /** When the object came, by the store's clock; NaN where the store does not tell. */
  modifiedMs(row: number): number {
    return this.#modified[row] ?? Number.NaN;
  }

  /** Rows in the pack's own table, where a readable state adds it. */
  segments(row: number): number {
    return this.#segments[row] ?? 0;
  }

  /** Whether a bit of `packFlags` is set. */
  is(row: number, flag: number): boolean {
    return ((this.#flags[row] ?? 0) & flag) !== 0;
  }

  /** Sets or clears a bit of `packFlags`. */
  mark(row: number, flag: number, set = true): void {
    const flags = this.#flags[row] ?? 0;
    this.#flags[row] = set ? flags | flag : flags & ~flag;
  }

  /** Notes an object of the listing. */
  list(row: number, sizeBytes: number, modifiedMs: number | undefined): void {
    this.#sizes[row] = sizeBytes;
    if (modifiedMs !== undefined) this.#modified[row] = modifiedMs;
    this.mark(row, packFlags.listed);
  }

  /** Notes that a published state adds a pack of so many segments. */
  addSegments(row: number, segments: number): void {
    this.#segments[row] = segments;
    this.mark(row, packFlags.added);
  }
}
