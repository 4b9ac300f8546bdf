import type { StatesOfLonger } from "#shared/log/find-states-of-longer.ts";
import { readLog } from "#shared/log/read-log.ts";
import { packsPrefix } from "#shared/store/object-key.ts";
import type { Store } from "#shared/store/store.ts";
import type { SalvagedLog } from "./salvage-log.ts";

/**
 * Whether objects tell that entries at the end of the log are lost: there is none though states or packs are there, or a state that no entry
 * publishes was made by more entries than there are.
 *
 * @throws {HoldfastError} unavailable, denied
 */
export async function hasLostEnd(
  store: Store,
  { state, isOpen }: SalvagedLog,
  { states, proof }: StatesOfLonger,
): Promise<boolean> {
  if (state.seq === 0) {
    if (states > 0) return true;
    for await (const _ of store.list(packsPrefix)) return true;
    return false;
  }
  if (proof === undefined) return false;
  // Where others are at work, it may have been staged since.
  return !isOpen || proof.baseSeq > (await readLog({ store, from: state })).seq;
}
