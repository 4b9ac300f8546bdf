/**
 * Runs `work` on every item, at most `inFlight` at a time. The first failure stops the taking of further items and is thrown once
 * all work that had begun has ended.
 */
export async function inParallel<Item>(
  items: Iterable<Item>,
  inFlight: number,
  work: (item: Item) => Promise<void>,
): Promise<void> {
  const iterator = items[Symbol.iterator]();
  let failed = false;
  const worker = async (): Promise<void> => {
    for (let next = iterator.next(); next.done !== true && !failed; next = iterator.next()) {
      try {
        await work(next.value);
      } catch (error) {
        failed = true;
        throw error;
      }
    }
  };
  const results = await Promise.allSettled(Array.from({ length: inFlight }, worker));
  for (const result of results) if (result.status === "rejected") throw result.reason;
}
