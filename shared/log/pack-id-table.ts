import { idFromBytes, type PackId } from "#shared/format/ids.ts";

/** Bytes of one id. */
const idBytes = 32;

/**
 * A set of pack ids that numbers them in the order of their coming: 0, 1, 2, …. Columns of whoever uses it go by these numbers.
 *
 * Ids are bytes in one array, found by open addressing; ids are hashes, so any four of their bytes scatter. Memory: about 45 bytes an id,
 * twice that for a moment while it grows. Nothing is ever taken out.
 */
export class PackIdTable {
  #ids = new Uint8Array(1536 * idBytes);
  /** Row + 1, or 0 for a free place. A quarter at least is free. */
  #places = new Uint32Array(2048);
  #size = 0;
  readonly #scratch = Buffer.alloc(idBytes);

  /** How many ids it holds. */
  get size(): number {
    return this.#size;
  }

  /** The row of the id whose 32 bytes stand in `bytes` from `at` on; -1 when it is not there. */
  find(bytes: Uint8Array, at = 0): number {
    return (this.#places[this.#placeOf(bytes, at)] ?? 0) - 1;
  }

  /** The row of that id, which is put in when it is not there. */
  add(bytes: Uint8Array, at = 0): number {
    let place = this.#placeOf(bytes, at);
    const row = (this.#places[place] ?? 0) - 1;
    if (row >= 0) return row;
    if ((this.#size + 1) * 4 > this.#places.length * 3) {
      this.#grow();
      place = this.#placeOf(bytes, at);
    }
    const from = this.#size * idBytes;
    for (let index = 0; index < idBytes; index++) this.#ids[from + index] = bytes[at + index] ?? 0;
    this.#places[place] = ++this.#size;
    return this.#size - 1;
  }

  /** As `find`, by the id's text. */
  findId(id: PackId): number {
    this.#scratch.write(id, "hex");
    return this.find(this.#scratch);
  }

  /** As `add`, by the id's text. */
  addId(id: PackId): number {
    this.#scratch.write(id, "hex");
    return this.add(this.#scratch);
  }

  /** The id of a row. */
  idAt(row: number): PackId {
    return idFromBytes("pack", this.#ids.subarray(row * idBytes, (row + 1) * idBytes));
  }

  /** The place that holds the id, or the free one where it belongs. */
  #placeOf(bytes: Uint8Array, at: number): number {
    const mask = this.#places.length - 1;
    for (let place = hashOf(bytes, at) & mask; ; place = (place + 1) & mask) {
      const row = (this.#places[place] ?? 0) - 1;
      if (row < 0 || this.#holds(row, bytes, at)) return place;
    }
  }

  #holds(row: number, bytes: Uint8Array, at: number): boolean {
    const from = row * idBytes;
    for (let index = 0; index < idBytes; index++) if (this.#ids[from + index] !== bytes[at + index]) return false;
    return true;
  }

  #grow(): void {
    const ids = new Uint8Array((this.#places.length * 2 * 3 * idBytes) / 4);
    ids.set(this.#ids.subarray(0, this.#size * idBytes));
    this.#ids = ids;
    this.#places = new Uint32Array(this.#places.length * 2);
    for (let row = 0; row < this.#size; row++) this.#places[this.#placeOf(this.#ids, row * idBytes)] = row + 1;
  }
}

function hashOf(bytes: Uint8Array, at: number): number {
  const word = (bytes[at + 4] ?? 0) | ((bytes[at + 5] ?? 0) << 8) | ((bytes[at + 6] ?? 0) << 16);
  return word ^ ((bytes[at + 7] ?? 0) << 24);
}
