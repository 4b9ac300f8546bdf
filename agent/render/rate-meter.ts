/** Milliseconds after which an observation weighs e times less. */
const memoryMs = 5000;

/** A speed that is smooth to look at: changes of a counter per second, averaged over some seconds, newest weighing most. */
export class RateMeter {
  #lastMs: number | undefined;
  #lastCount = 0;
  /** The past, each part weighing less the older it is. */
  #pastCount = 0;
  #pastMs = 0;

  /** Takes in the counter's value at `nowMs`, and returns the speed per second, or undefined while it is not known. */
  observe(count: number, nowMs: number): number | undefined {
    if (this.#lastMs !== undefined) {
      const passedMs = Math.max(0, nowMs - this.#lastMs);
      const weight = Math.exp(-passedMs / memoryMs);
      this.#pastCount = this.#pastCount * weight + count - this.#lastCount;
      this.#pastMs = this.#pastMs * weight + passedMs;
    }
    this.#lastMs = nowMs;
    this.#lastCount = count;
    return this.#pastMs === 0 ? undefined : (this.#pastCount * 1000) / this.#pastMs;
  }
}
