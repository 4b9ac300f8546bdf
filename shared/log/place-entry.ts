import type { Clock } from "#shared/clock.ts";
import { HoldfastError, isHoldfastError } from "#shared/errors.ts";
import type { CommitId } from "#shared/format/ids.ts";
import type { Random } from "#shared/random.ts";
import { logKey } from "#shared/store/object-key.ts";
import type { Store } from "#shared/store/store.ts";
import { outageWaitMs, raceWaitMs } from "./backoff.ts";
import type { StoredEntry } from "./fold-entry.ts";
import { lookAhead } from "./look-ahead.ts";
import { interruption, stopIfAborted } from "./stop-if-aborted.ts";

/** An encoded entry, on its way to `log/<seq>`. */
export type EntryToPlace = {
  readonly seq: number;
  readonly commitId: CommitId;
  readonly bytes: Uint8Array;
  readonly sha256: Uint8Array;
};

/** Puts of one entry that get no clear answer, at most. */
const unclearPuts = 8;
/** Entries after the winner that are read with it, at most. */
const entriesAhead = 15;

/**
 * Puts an entry at its number and finds out, without guessing, who got that number.
 *
 * A put that succeeds is ours. After any other answer that leaves the outcome open it looks at `log/<seq>`: after `conflict` (our
 * own put may have been repeated below us, and its first reply lost) once a random wait has thinned the crowd, after
 * `unavailable` at once. If nothing is there, the *same bytes* are put again at the *same number*: a first put that arrives late then
 * changes nothing, because each key takes one object. What is told to last, such as a full disk, ends it at once.
 *
 * @param losses - races that this append has lost in a row
 * @param pace - entries that came while it lost the last one, or since it saw the log: about as many have come again, and are read at once
 * @returns none when the put succeeded; else the entry that is there and those already after it: ours when it carries our commit id
 * @throws {HoldfastError} unavailable (interrupted, when aborted): nobody could say; ours may be in the log or still get there (`detail.outcome` = "unknown")
 * @throws {HoldfastError} corrupt or incompatible: what is there is no entry that this program reads
 */
export async function placeEntry(options: {
  readonly store: Store;
  readonly entry: EntryToPlace;
  readonly losses: number;
  readonly pace: number;
  readonly clock: Clock;
  readonly random: Random;
  readonly signal?: AbortSignal;
}): Promise<readonly StoredEntry[]> {
  const { store, entry, losses, pace, clock, random, signal } = options;
  const wait = async (ms: number): Promise<void> => {
    if (ms <= 0) return;
    try {
      await clock.sleep(ms, signal);
      stopIfAborted(signal);
    } catch (cause) {
      throw unknownOutcome(entry, signal?.aborted === true ? interruption(signal) : cause);
    }
  };
  for (let puts = 1; ; puts++) {
    let answer: HoldfastError;
    const beganMs = clock.nowMs();
    try {
      await store.put(logKey(entry.seq), [entry.bytes], { sha256: entry.sha256 });
      return [];
    } catch (error) {
      if (!isHoldfastError(error, "conflict", "unavailable")) throw error;
      answer = error;
    }
    if (answer.kind === "conflict")
      await wait(raceWaitMs({ losses: losses + 1, roundTripMs: clock.nowMs() - beganMs, pace }, random));
    const found = await look(store, entry, Math.min(entriesAhead, Math.max(1, pace)), answer);
    if (found.length > 0) return found;
    if (puts >= unclearPuts || answer.detail["lasting"] === true) throw unknownOutcome(entry, answer);
    await wait(outageWaitMs(puts, random));
  }
}

async function look(
  store: Store,
  entry: EntryToPlace,
  ahead: number,
  answer: HoldfastError,
): Promise<readonly StoredEntry[]> {
  try {
    return await lookAhead(store, entry.seq, ahead);
  } catch (error) {
    if (isHoldfastError(error, "corrupt", "incompatible")) throw error;
    throw unknownOutcome(entry, new AggregateError([answer, error], "the put and the look at it both failed"));
  }
}

function unknownOutcome(entry: EntryToPlace, cause: unknown): HoldfastError {
  const detail = { key: logKey(entry.seq), seq: entry.seq, commitId: entry.commitId, outcome: "unknown" };
  if (isHoldfastError(cause) && cause.detail["lasting"] === true) {
    const { message, hint } = cause;
    return new HoldfastError("unavailable", message, { detail, cause, ...(hint === undefined ? {} : { hint }) });
  }
  return new HoldfastError(
    isHoldfastError(cause, "interrupted") ? "interrupted" : "unavailable",
    `Cannot tell whether log entry ${entry.seq} was written: the store did not answer clearly`,
    {
      detail,
      hint: "Run the same command again when the store answers: what was written is recognised.",
      cause,
    },
  );
}
