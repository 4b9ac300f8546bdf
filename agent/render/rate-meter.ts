/** Milliseconds after which an observation weighs e times less. */
const memoryMs = 5000;

/** A speed that is smooth to look at: changes of a counter per second, averaged over some seconds, newest weighing most. */
export class RateMeter {
  #lastMs: number | undefined;
  #lastCount = 0;
  #perSecond: number | undefined;

  /** Takes in the counter's value at `nowMs`, and returns the speed per second, or undefined while it is not known. */
  observe(count: number, nowMs: number): number | undefined {
    if (this.#lastMs === undefined) {
      this.#lastMs = nowMs;
      this.#lastCount = count;
      return undefined;
    }
    const passedMs = nowMs - this.#lastMs;
    if (passedMs < 50) return this.#perSecond;
    const current = ((count - this.#lastCount) * 1000) / passedMs;
    const weight = 1 - Math.exp(-passedMs / memoryMs);
    this.#perSecond = this.#perSecond === undefined ? current : this.#perSecond + (current - this.#perSecond) * weight;
    this.#lastMs = nowMs;
    this.#lastCount = count;
    return this.#perSecond;
  }
}
