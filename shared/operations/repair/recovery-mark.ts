import { type CommitId, idFromBytes } from "#shared/format/ids.ts";
import { type LogState, seqOfAttempt } from "#shared/log/log-state.ts";
import { readEntry } from "#shared/log/read-entry.ts";
import { isHoldfastError } from "#shared/errors.ts";
import type { Random } from "#shared/random.ts";
import type { Store } from "#shared/store/store.ts";

/** What the commit id of an entry begins with that a repair wrote behind lost entries, in hexadecimal: the letters "HFRV". */
const markHex = "48465256";

/** A commit id for an entry that goes on behind lost entries, or brings back what those had published. */
export function recoveryAttemptId(random: Random): CommitId {
  return idFromBytes("commit", Buffer.concat([Buffer.from(markHex, "hex"), random(12)]));
}

/** Whether a commit id is that of such an entry. */
export function isRecoveryAttempt(commitId: CommitId): boolean {
  return commitId.startsWith(markHex);
}

/**
 * When the log was last recovered: a repair that died may have more to bring back of what was made before that.
 *
 * @returns number and time of the newest such entry among those that the fold remembers (512 at least), or undefined
 */
export async function lastRecovery(
  store: Store,
  log: LogState,
): Promise<{ readonly seq: number; readonly timeMs: number } | undefined> {
  let newest: CommitId | undefined;
  for (const attempts of [log.attempts.older, log.attempts.newer]) {
    for (const [commitId, seq] of attempts)
      if (isRecoveryAttempt(commitId) && seq > (newest === undefined ? 0 : (seqOfAttempt(log, newest) ?? 0)))
        newest = commitId;
  }
  const seq = newest === undefined ? undefined : seqOfAttempt(log, newest);
  if (seq === undefined) return undefined;
  try {
    return { seq, timeMs: (await readEntry(store, seq)).entry.timeMs };
  } catch (error) {
    if (!isHoldfastError(error, "corrupt", "absent")) throw error;
    return { seq, timeMs: Number.MAX_SAFE_INTEGER };
  }
}
