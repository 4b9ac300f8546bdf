/** A number of slots that actions wait for, first come, first served. */
export type Slots = {
  /** Runs `action` in a slot and frees it when the action settles. */
  run<T>(action: () => Promise<T>): Promise<T>;
};

/**
 * Slots for at most `count` actions at once.
 *
 * What waits is only as much as callers start: a waiting action holds what its caller holds already, and a queue entry.
 */
export function slots(count: number): Slots {
  let free = count;
  const waiting: (() => void)[] = [];
  let head = 0;

  return {
    async run(action) {
      if (free > 0) free--;
      else await new Promise<void>((resolve) => waiting.push(resolve));
      try {
        return await action();
      } finally {
        const next = waiting[head];
        if (next === undefined) free++;
        else {
          head++; // the slot passes on to the next in line
          if (head === waiting.length) {
            waiting.length = 0;
            head = 0;
          } else if (head >= 1024) {
            waiting.splice(0, head);
            head = 0;
          }
          next();
        }
      }
    },
  };
}
