/**
 * Runs `action` on every item, at most `limit` of them at once.
 *
 * @throws the first error, once no action runs any more; items not begun by then are left out
 */
export async function eachAtOnce<T>(
  items: Iterable<T>,
  limit: number,
  action: (item: T) => Promise<void>,
): Promise<void> {
  const iterator = items[Symbol.iterator]();
  const failures: unknown[] = [];
  const work = async (): Promise<void> => {
    while (failures.length === 0) {
      const step = iterator.next();
      if (step.done === true) return;
      await action(step.value).catch((error: unknown) => failures.push(error));
    }
  };
  await Promise.all(Array.from({ length: limit }, work));
  if (failures.length > 0) throw failures[0];
}
