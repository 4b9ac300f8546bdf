import type { LatinBuffer } from "./libc.ts";

/** Names that are strings at a time. */
const runNames = 32_768;

type Run = { next: number; readonly end: number; head: string };

/**
 * Many names in little memory, for directories of hundreds of thousands of entries: sorted runs whose bytes lie in one buffer,
 * merged as they are read. Memory: the bytes of the names, 4 more for each, and `runNames` strings.
 */
export class NameTable {
  #bytes = Buffer.allocUnsafeSlow(1 << 20) as LatinBuffer;
  #ends = new Uint32Array(1 << 17);
  #count = 0;
  #pending: string[] = [];
  readonly #runEnds: number[] = [];

  /** Adds a name, given as a binary string. */
  add(name: string): void {
    this.#pending.push(name);
    if (this.#pending.length >= runNames) this.#closeRun();
  }

  /** The names in byte order. Nothing is added afterwards. */
  *sorted(): Generator<string> {
    this.#closeRun();
    const runs: Run[] = [];
    let from = 0;
    for (const end of this.#runEnds) {
      if (end > from) runs.push({ next: from + 1, end, head: this.#name(from) });
      from = end;
    }
    runs.sort((left, right) => (left.head < right.head ? -1 : 1));
    // Few runs: the one with the least head is kept first by moving it back among the others.
    for (let run = runs[0]; run !== undefined; run = runs[0]) {
      yield run.head;
      if (run.next === run.end) {
        runs.shift();
        continue;
      }
      run.head = this.#name(run.next++);
      let at = 0;
      for (let other = runs[1]; other !== undefined && other.head < run.head; other = runs[at + 1]) runs[at++] = other;
      runs[at] = run;
    }
  }

  #closeRun(): void {
    for (const name of this.#pending.sort()) this.#store(name);
    this.#pending = [];
    this.#runEnds.push(this.#count);
  }

  #store(name: string): void {
    const start = this.#start(this.#count);
    const end = start + name.length;
    if (end > this.#bytes.length) {
      const bytes = Buffer.allocUnsafeSlow(Math.max(end, this.#bytes.length * 2)) as LatinBuffer;
      this.#bytes.copy(bytes, 0, 0, start);
      this.#bytes = bytes;
    }
    if (this.#count === this.#ends.length) {
      const ends = new Uint32Array(this.#ends.length * 2);
      ends.set(this.#ends);
      this.#ends = ends;
    }
    this.#bytes.latin1Write(name, start);
    this.#ends[this.#count++] = end;
  }

  #name(index: number): string {
    return this.#bytes.latin1Slice(this.#start(index), this.#ends[index] ?? 0);
  }

  #start(index: number): number {
    return index === 0 ? 0 : (this.#ends[index - 1] ?? 0);
  }
}
