import { logPrefix } from "./object-key.ts";
import type { Store } from "./store.ts";

/**
 * A store whose log entries may use the space that it keeps back: for what removes snapshots and frees space. Packs and checkpoints may not, or
 * there would be nothing left for the entry without which nothing may be deleted.
 */
export function reserveUsingStore(inner: Store): Store {
  return {
    ...inner,
    put: (key, body, options) =>
      inner.put(key, body, key.startsWith(logPrefix) ? { ...options, mayUseReserve: true } : options),
  };
}
