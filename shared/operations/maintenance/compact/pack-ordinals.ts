import { idFromBytes, idToBytes, type PackId } from "#shared/format/ids.ts";

const idBytes = 32;
/** Of all slots at most that share is taken: then a search looks at two or three. */
const fullShare = 0.6;

/**
 * Numbers packs 0, 1, 2, … in the order in which they are first named.
 *
 * A table of open addressing over the bytes of the ids, which are hashes and so spread by themselves. Memory: 32 bytes a pack and 4 a
 * slot, about 45 bytes a pack (up to 100 for a moment while it grows).
 */
export class PackOrdinals {
  #ids = new Uint8Array(64 * idBytes);
  /** Ordinal + 1, or 0 for a free slot; as many as a power of two. */
  #slots = new Uint32Array(128);
  #count = 0;

  /** How many packs are numbered. */
  get count(): number {
    return this.#count;
  }

  /** The number of a pack, or -1. */
  find(packId: PackId): number {
    const id = idToBytes(packId);
    return (this.#slots[this.#slotOf(id)] ?? 0) - 1;
  }

  /** The number of a pack, which it gets now if it has none. */
  add(packId: PackId): number {
    const id = idToBytes(packId);
    const slot = this.#slotOf(id);
    const known = this.#slots[slot] ?? 0;
    if (known !== 0) return known - 1;
    if ((this.#count + 1) * idBytes > this.#ids.byteLength) {
      const more = new Uint8Array(this.#ids.byteLength * 2);
      more.set(this.#ids);
      this.#ids = more;
    }
    this.#ids.set(id, this.#count * idBytes);
    this.#slots[slot] = ++this.#count;
    if (this.#count > this.#slots.length * fullShare) this.#grow();
    return this.#count - 1;
  }

  /** The pack of a number below `count`. */
  packId(ordinal: number): PackId {
    return idFromBytes("pack", this.#ids.subarray(ordinal * idBytes, (ordinal + 1) * idBytes));
  }

  #slotOf(id: Uint8Array): number {
    const mask = this.#slots.length - 1;
    const hash = ((id[0] ?? 0) | ((id[1] ?? 0) << 8) | ((id[2] ?? 0) << 16) | ((id[3] ?? 0) << 24)) >>> 0;
    let slot = hash & mask;
    for (let taken = this.#slots[slot] ?? 0; taken !== 0; taken = this.#slots[slot] ?? 0) {
      if (this.#isId(taken - 1, id)) return slot;
      slot = (slot + 1) & mask;
    }
    return slot;
  }

  #isId(ordinal: number, id: Uint8Array): boolean {
    const at = ordinal * idBytes;
    for (let byte = 0; byte < idBytes; byte++) if (this.#ids[at + byte] !== id[byte]) return false;
    return true;
  }

  #grow(): void {
    this.#slots = new Uint32Array(this.#slots.length * 2);
    for (let ordinal = 0; ordinal < this.#count; ordinal++) {
      const slot = this.#slotOf(this.#ids.subarray(ordinal * idBytes, (ordinal + 1) * idBytes));
      this.#slots[slot] = ordinal + 1;
    }
  }
}
