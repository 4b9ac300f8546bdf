type Event = { readonly atMs: number; readonly order: number; readonly run: () => void };

/**
 * Virtual time: things happen in the order of their times, those of one time in the order in which they were planned. Nothing else makes
 * time pass, so a day costs no more than a millisecond.
 */
export class EventLoop {
  nowMs = 0;
  readonly #heap: Event[] = [];
  #order = 0;

  /** Plans something for a time, not before now. */
  at(atMs: number, run: () => void): void {
    const event = { atMs: Math.max(this.nowMs, atMs), order: this.#order++, run };
    const heap = this.#heap;
    let at = heap.length;
    heap.push(event);
    while (at > 0) {
      const parent = (at - 1) >> 1;
      const above = heap[parent];
      if (above === undefined || isBefore(above, event)) break;
      heap[at] = above;
      at = parent;
    }
    heap[at] = event;
  }

  /** Resolves after `ms` of virtual time. */
  after(ms: number): Promise<void> {
    return new Promise((resolve) => this.at(this.nowMs + ms, resolve));
  }

  /**
   * Lets things happen until `isDone`, and after each lets everyone who waits for promises go on until all wait for something planned.
   *
   * @returns false when nothing is planned any more and it is not done: whoever still waits, waits for ever
   */
  async run(isDone: () => boolean): Promise<boolean> {
    await settled();
    while (!isDone()) {
      const event = this.#take();
      if (event === undefined) return false;
      this.nowMs = event.atMs;
      event.run();
      await settled();
    }
    return true;
  }

  #take(): Event | undefined {
    const heap = this.#heap;
    const first = heap[0];
    const last = heap.pop();
    if (first === undefined || last === undefined || heap.length === 0) return first;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      const [left, right] = [heap[child], heap[child + 1]];
      if (left === undefined) break;
      if (right !== undefined && isBefore(right, left)) child++;
      const lesser = heap[child];
      if (lesser === undefined || isBefore(last, lesser)) break;
      heap[at] = lesser;
      at = child;
    }
    heap[at] = last;
    return first;
  }
}

function isBefore(left: Event, right: Event): boolean {
  return left.atMs < right.atMs || (left.atMs === right.atMs && left.order < right.order);
}

/** Resolves when no promise has anything left to do: those come before the next turn of the machine's own loop. */
function settled(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
