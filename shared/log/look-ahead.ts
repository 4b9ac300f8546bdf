import { isHoldfastError } from "#shared/errors.ts";
import type { Store } from "#shared/store/store.ts";
import type { StoredEntry } from "./fold-entry.ts";
import { readEntry } from "./read-entry.ts";

/**
 * Reads entry `seq` and, in the same round trip, up to `ahead` entries after it: those that follow without a gap.
 *
 * What cannot be read *after* entry `seq` ends the run, whatever the reason: nobody relied on it yet, and it is met again in its turn.
 *
 * @returns entry `seq` and those after it; none when there is no entry `seq`
 * @throws {HoldfastError} as `readEntry` for entry `seq`, but not absent
 */
export async function lookAhead(store: Store, seq: number, ahead: number): Promise<readonly StoredEntry[]> {
  const reads = Array.from({ length: 1 + ahead }, (_, index) => readEntry(store, seq + index));
  const [first, ...others] = await Promise.allSettled(reads);
  if (first === undefined) return [];
  if (first.status === "rejected") {
    if (isHoldfastError(first.reason, "absent")) return [];
    throw first.reason;
  }
  const found = [first.value];
  for (const each of others) {
    if (each.status === "rejected") break;
    found.push(each.value);
  }
  return found;
}
