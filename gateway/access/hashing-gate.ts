/** Passwords that are hashed at once, and bytes that they take together; one alone may take more. */
const hashingMax = 2;
const hashingBytesMax = 512 * 1024 * 1024;
/** Passwords that wait, of all addresses and of one: beyond that they are refused. */
const waitingMax = 32;
const waitingOfOneMax = 8;

type Waiting = { readonly address: string; readonly bytes: number; readonly begin: () => void };

/** Has few passwords hashed at once, in the order in which they came, and refuses those that would wait too long. */
export class HashingGate {
  #running = 0;
  #bytes = 0;
  #waiting: Waiting[] = [];

  /** What the work comes to; undefined: it was refused. */
  async run<Result>(address: string, bytes: number, work: () => Promise<Result>): Promise<Result | undefined> {
    if (this.#waiting.length > 0 || !this.#hasRoom(bytes)) {
      const ofOne = this.#waiting.filter((each) => each.address === address).length;
      if (this.#waiting.length >= waitingMax || ofOne >= waitingOfOneMax) return undefined;
      await new Promise<void>((begin) => this.#waiting.push({ address, bytes, begin }));
    } else this.#enter(bytes);
    try {
      return await work();
    } finally {
      this.#running--;
      this.#bytes -= bytes;
      this.#next();
    }
  }

  #hasRoom(bytes: number): boolean {
    return this.#running === 0 || (this.#running < hashingMax && this.#bytes + bytes <= hashingBytesMax);
  }

  #enter(bytes: number): void {
    this.#running++;
    this.#bytes += bytes;
  }

  #next(): void {
    for (let next = this.#waiting[0]; next !== undefined && this.#hasRoom(next.bytes); next = this.#waiting[0]) {
      this.#waiting.shift();
      this.#enter(next.bytes);
      next.begin();
    }
  }
}
