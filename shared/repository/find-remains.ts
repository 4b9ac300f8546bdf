import { isHoldfastError } from "#shared/errors.ts";
import { checkpointsPrefix, logPrefix, packsPrefix, statesPrefix } from "#shared/store/object-key.ts";
import type { Store } from "#shared/store/store.ts";

/**
 * Looks for backups in a place that has no `config`: four listings at most. Key slots alone are none: a creation that died leaves them.
 *
 * @returns the key of an object of a repository, or undefined
 */
export async function findRemains(store: Store): Promise<string | undefined> {
  try {
    for (const prefix of [logPrefix, packsPrefix, statesPrefix, checkpointsPrefix])
      for await (const { key } of store.list(prefix)) return key;
  } catch (error) {
    if (!isHoldfastError(error, "absent")) throw error;
  }
  return undefined;
}
