/** Lets work begin, in order, while the bytes of all that is under way stay below a limit; one piece of work always may. */
export class ByteGate {
  readonly #limitBytes: number;
  readonly #waiting: { readonly bytes: number; readonly begin: () => void }[] = [];
  #runningBytes = 0;
  #running = 0;

  constructor(limitBytes: number) {
    this.#limitBytes = limitBytes;
  }

  /** What the work comes to, which takes so many bytes while it runs. */
  async run<Result>(bytes: number, work: () => Promise<Result>): Promise<Result> {
    if (this.#waiting.length > 0 || !this.#fits(bytes)) {
      await new Promise<void>((begin) => this.#waiting.push({ bytes, begin }));
    } else this.#take(bytes);
    try {
      return await work();
    } finally {
      this.#running--;
      this.#runningBytes -= bytes;
      for (let [next] = this.#waiting; next !== undefined && this.#fits(next.bytes); [next] = this.#waiting) {
        this.#waiting.shift();
        this.#take(next.bytes);
        next.begin();
      }
    }
  }

  #fits(bytes: number): boolean {
    return this.#running === 0 || this.#runningBytes + bytes <= this.#limitBytes;
  }

  #take(bytes: number): void {
    this.#running++;
    this.#runningBytes += bytes;
  }
}
