/**
 * Reads items several at once and gives the results in order.
 *
 * Results wait until they are taken, and count as in flight until then.
 *
 * @param options.inFlightBytes - of the sizes that `bytesOf` tells, unless one item alone is larger
 * @throws the failure of an item when its turn comes; reads that have begun are awaited before that
 */
export async function* readAhead<Item, Result>(
  items: Iterable<Item>,
  read: (item: Item) => Promise<Result>,
  options: {
    readonly bytesOf: (item: Item) => number;
    readonly inFlight: number;
    readonly inFlightBytes: number;
  },
): AsyncGenerator<{ readonly item: Item; readonly result: Result }, void, undefined> {
  const { bytesOf, inFlight, inFlightBytes } = options;
  const pending: { readonly item: Item; readonly bytes: number; readonly result: Promise<Result> }[] = [];
  let pendingBytes = 0;
  const iterator = items[Symbol.iterator]();
  let next = iterator.next();
  try {
    for (;;) {
      while (next.done !== true) {
        const bytes = bytesOf(next.value);
        if (pending.length >= inFlight || (pending.length > 0 && pendingBytes + bytes > inFlightBytes)) break;
        const result = read(next.value);
        result.catch(() => undefined); // its failure is met when its turn comes; until then it is nobody's
        pending.push({ item: next.value, bytes, result });
        pendingBytes += bytes;
        next = iterator.next();
      }
      const first = pending[0];
      if (first === undefined) return;
      const result = await first.result;
      pending.shift();
      pendingBytes -= first.bytes;
      yield { item: first.item, result };
    }
  } finally {
    await Promise.allSettled(pending.map((each) => each.result));
  }
}
