import type { Random } from "#shared/random.ts";

/** A generator of numbers that follow from a seed alone (sfc32, Chris Doty-Humphrey). */
export class SeededRandom {
  #a = 0x9e3779b9;
  #b = 0x243f6a88;
  #c: number;
  #count = 1;

  constructor(seed: number) {
    this.#c = seed | 0;
    for (let round = 0; round < 15; round++) this.#next32();
  }

  /** From 0 to just below 1. */
  fraction(): number {
    return this.#next32() / 2 ** 32;
  }

  /** A whole number from 0 to just below `limit`. */
  below(limit: number): number {
    return Math.floor(this.fraction() * limit);
  }

  /** True with this likelihood. */
  chance(likelihood: number): boolean {
    return this.fraction() < likelihood;
  }

  /** One of several. */
  pick<Item>(items: readonly Item[]): Item {
    const item = items[this.below(items.length)];
    if (item === undefined) throw new RangeError("there is nothing to pick from");
    return item;
  }

  /** A time with this mean, exponentially distributed, in whole milliseconds. */
  aroundMs(meanMs: number): number {
    return Math.round(-Math.log(1 - this.fraction()) * meanMs);
  }

  /** The port to randomness, fed by this generator. */
  readonly bytes: Random = (lengthBytes) => {
    const words = new Uint32Array(Math.ceil(lengthBytes / 4));
    for (let index = 0; index < words.length; index++) words[index] = this.#next32();
    return new Uint8Array(words.buffer).slice(0, lengthBytes);
  };

  #next32(): number {
    const sum = (((this.#a + this.#b) | 0) + this.#count++) | 0;
    this.#a = this.#b ^ (this.#b >>> 9);
    this.#b = (this.#c + (this.#c << 3)) | 0;
    this.#c = (((this.#c << 21) | (this.#c >>> 11)) + sum) | 0;
    return sum >>> 0;
  }
}
