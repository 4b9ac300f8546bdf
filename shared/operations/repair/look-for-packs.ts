import type { PackId } from "#shared/format/ids.ts";
import { isHoldfastError } from "#shared/errors.ts";
import { inParallel } from "#shared/log/in-parallel.ts";
import { stopIfAborted } from "#shared/log/stop-if-aborted.ts";
import { packKey } from "#shared/store/object-key.ts";
import type { Store } from "#shared/store/store.ts";

const looksAtOnce = 32;

/**
 * Looks at the names of packs, one request each.
 *
 * @returns the sizes of those that are there, and those that are not
 * @throws {HoldfastError} unavailable, denied: that one is not there cannot be said
 */
export async function lookForPacks(
  store: Store,
  packs: Iterable<PackId>,
  signal?: AbortSignal,
): Promise<{ readonly found: ReadonlyMap<PackId, number>; readonly absent: Set<PackId> }> {
  const found = new Map<PackId, number>();
  const absent = new Set<PackId>();
  await inParallel(packs, looksAtOnce, async (packId) => {
    stopIfAborted(signal);
    try {
      found.set(packId, (await store.head(packKey(packId))).sizeBytes);
    } catch (error) {
      if (!isHoldfastError(error, "absent")) throw error;
      absent.add(packId);
    }
  });
  return { found, absent };
}
