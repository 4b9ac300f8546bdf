import { indexPrefixBytes, indexRowBytes } from "#shared/format/index-section.ts";

/** One table of the index: slots in memory that all threads share. */
export type SessionTable = { readonly states: SharedArrayBuffer; readonly rows: SharedArrayBuffer };

const rowWords = indexRowBytes / 4;
const empty = 0;
const writing = 1;
const ready = 2;

/** Share of a table's slots that may be used before the next table should be there. */
const fillMax = 0.8;
/** Slots of a table at most: larger indexes have more tables instead, so that little lies idle. */
const slotsMax = 1 << 18;
/**
 * Share at which a table takes no more rows. As many threads as there are may each add one row beyond it, and some slot must stay
 * empty for a search to end: hence the least number of slots.
 */
const fullAt = 0.95;
const slotsMin = 4096;

/**
 * The blobs that this session has stored so far, for all its threads: of two threads that meet the same new blob, one stores it.
 *
 * Open hash tables with one slot a row, filled without locks: a slot goes from empty to writing by compare-and-exchange and
 * to ready when its row is whole. When the newest table fills, `grown` makes a larger one, which the owner hands to all
 * threads. Memory: 36 bytes a slot.
 */
export class SessionIndex {
  readonly #tables: { states: Int32Array; words: Uint32Array; mask: number; table: SessionTable }[] = [];
  readonly #row = new Uint32Array(rowWords);
  readonly #rowBytes = new Uint8Array(this.#row.buffer);

  /** A table of at least `slots` slots, and of 4096. */
  static createTable(slots: number): SessionTable {
    const size = 2 ** Math.ceil(Math.log2(Math.max(slots, slotsMin)));
    return { states: new SharedArrayBuffer((size + 1) * 4), rows: new SharedArrayBuffer(size * indexRowBytes) };
  }

  /** The tables, for another thread's index. */
  get tables(): readonly SessionTable[] {
    return this.#tables.map((each) => each.table);
  }

  /** Adds a table made by `createTable`; the newest takes new rows. */
  addTable(table: SessionTable): void {
    const slots = table.rows.byteLength / indexRowBytes;
    this.#tables.push({
      states: new Int32Array(table.states),
      words: new Uint32Array(table.rows),
      mask: slots - 1,
      table,
    });
  }

  /** A table to be added on every thread, when the newest is nearly full; else undefined. */
  grown(): SessionTable | undefined {
    const last = this.#tables.at(-1);
    if (last === undefined) return SessionIndex.createTable(1 << 15);
    const slots = last.mask + 1;
    return Atomics.load(last.states, slots) > slots * fillMax
      ? SessionIndex.createTable(Math.min(slots * 2, slotsMax))
      : undefined;
  }

  /** The segment ordinal of the blob whose id begins at `ids[offset]`, or -1. */
  findSegment(ids: Uint8Array, offset: number): number {
    this.#take(ids, offset);
    for (let index = this.#tables.length - 1; index >= 0; index--) {
      const slot = this.#probe(index, false);
      if (slot >= 0) return this.#tables[index]?.words[slot * rowWords + 5] ?? -1;
    }
    return -1;
  }

  /**
   * Claims a blob for the calling thread, which then stores it at that place.
   *
   * @returns -1 when claimed, -2 when the newest table is full (the caller keeps the row itself), else the ordinal of the segment
   * in which another claim put it
   */
  claim(ids: Uint8Array, offset: number, place: { segment: number; offsetBytes: number; lengthBytes: number }): number {
    this.#take(ids, offset);
    const newest = this.#tables.length - 1;
    for (let index = 0; index < newest; index++) {
      const slot = this.#probe(index, false);
      if (slot >= 0) return this.#tables[index]?.words[slot * rowWords + 5] ?? -1;
    }
    const table = this.#tables[newest];
    if (table === undefined) return -2;
    this.#row[5] = place.segment;
    this.#row[6] = place.offsetBytes;
    this.#row[7] = place.lengthBytes;
    const slot = this.#probe(newest, true);
    if (slot === -2) return -2;
    return slot === -1 ? -1 : (table.words[slot * rowWords + 5] ?? -1);
  }

  /** Rows in all tables. */
  get count(): number {
    let count = 0;
    for (const { states, mask } of this.#tables) count += Atomics.load(states, mask + 1);
    return count;
  }

  /** All rows, unsorted, 32 bytes each; the index is empty afterwards. Only when no thread claims any more. */
  takeRows(): Uint8Array {
    const taken = new Uint32Array(this.count * rowWords);
    let to = 0;
    for (let table = this.#tables.shift(); table !== undefined; table = this.#tables.shift()) {
      const { states, words, mask } = table;
      // Behind the slots is their number, which may look like one that is ready.
      const slots = states.subarray(0, mask + 1);
      for (let slot = slots.indexOf(ready); slot >= 0; slot = slots.indexOf(ready, slot)) {
        for (; slots[slot] === ready; slot++) {
          for (let word = 0; word < rowWords; word++) taken[to++] = words[slot * rowWords + word] ?? 0;
        }
      }
    }
    return new Uint8Array(taken.buffer, 0, to * 4);
  }

  /** Copies an id's prefix to the scratch row. */
  #take(ids: Uint8Array, offset: number): void {
    const bytes = this.#rowBytes;
    for (let index = 0; index < indexPrefixBytes; index++) bytes[index] = ids[offset + index] ?? 0;
  }

  /** The slot of the scratch row's id; -1 when it is not there (and was inserted, if asked), -2 when it could not be. */
  #probe(index: number, insert: boolean): number {
    const table = this.#tables[index];
    if (table === undefined) return -1;
    const { states, words, mask } = table;
    const row = this.#row;
    let slot = (row[0] ?? 0) & mask;
    for (;;) {
      let state = Atomics.load(states, slot);
      if (state === empty) {
        if (!insert) return -1;
        if (Atomics.load(states, mask + 1) >= (mask + 1) * fullAt) return -2;
        state = Atomics.compareExchange(states, slot, empty, writing);
        if (state === empty) {
          for (let word = 0; word < rowWords; word++) words[slot * rowWords + word] = row[word] ?? 0;
          Atomics.store(states, slot, ready);
          Atomics.add(states, mask + 1, 1);
          return -1;
        }
      }
      while (state === writing) state = Atomics.load(states, slot);
      const at = slot * rowWords;
      if (
        words[at] === row[0] &&
        words[at + 1] === row[1] &&
        words[at + 2] === row[2] &&
        words[at + 3] === row[3] &&
        words[at + 4] === row[4]
      ) {
        return slot;
      }
      slot = (slot + 1) & mask;
    }
  }
}
