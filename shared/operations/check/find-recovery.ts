import { isHoldfastError } from "#shared/errors.ts";
import { readEntry } from "#shared/log/read-entry.ts";
import { isRecoveryAttempt } from "#shared/operations/repair/recovery-mark.ts";
import type { Store } from "#shared/store/store.ts";

/** Entries read at once. */
const inFlight = 16;

/**
 * The newest entry by which a repair went on behind lost ones: what those before it said was looked for, and told, by that repair.
 *
 * Reads the entries behind the oldest that is lost, the newest first, until one is that of a repair.
 *
 * @param lostSeq - the oldest entry that is lost
 * @param lastSeq - the newest of the log
 * @returns its number, or undefined
 */
export async function findRecovery(store: Store, lostSeq: number, lastSeq: number): Promise<number | undefined> {
  for (let to = lastSeq; to > lostSeq; to -= inFlight) {
    const seqs = Array.from({ length: Math.min(inFlight, to - lostSeq) }, (_, index) => to - index);
    const found = await Promise.all(seqs.map((seq) => isRecovery(store, seq)));
    const at = found.indexOf(true);
    if (at >= 0) return seqs[at];
  }
  return undefined;
}

async function isRecovery(store: Store, seq: number): Promise<boolean> {
  try {
    return isRecoveryAttempt((await readEntry(store, seq)).entry.commitId);
  } catch (error) {
    if (!isHoldfastError(error, "corrupt", "absent")) throw error;
    return false;
  }
}
