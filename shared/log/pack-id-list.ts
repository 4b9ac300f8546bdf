import { idFromBytes, type PackId } from "#shared/format/ids.ts";

const idBytes = 32;
const pageIds = 2048;

/** A list of pack ids for hundreds of thousands of them. Memory: 32 bytes an id, where the text of one takes 90. */
export class PackIdList implements Iterable<PackId> {
  readonly #pages: Buffer[] = [];
  #length = 0;

  get length(): number {
    return this.#length;
  }

  push(id: PackId): void {
    const at = this.#length % pageIds;
    if (at === 0) this.#pages.push(Buffer.allocUnsafeSlow(pageIds * idBytes));
    this.#pages.at(-1)?.write(id, at * idBytes, "hex");
    this.#length++;
  }

  /** The ids in the order of their coming. */
  *[Symbol.iterator](): Generator<PackId, void, undefined> {
    for (let index = 0; index < this.#length; index++) yield this.#idAt(index);
  }

  /** The ids in the order of their bytes. Memory: 12 bytes an id more. */
  *ascending(): Generator<PackId, void, undefined> {
    const order = Uint32Array.from({ length: this.#length }, (_, index) => index);
    order.sort((left, right) => this.#bytesAt(left).compare(this.#bytesAt(right)));
    for (const index of order) yield this.#idAt(index);
  }

  #idAt(index: number): PackId {
    return idFromBytes("pack", this.#bytesAt(index));
  }

  #bytesAt(index: number): Buffer {
    const at = (index % pageIds) * idBytes;
    const page = this.#pages[Math.floor(index / pageIds)] ?? Buffer.alloc(0);
    return page.subarray(at, at + idBytes);
  }
}
