import type { Clock } from "#shared/clock.ts";
import { sha256 } from "#shared/crypto/sha256.ts";
import { type Signer, verifySignature } from "#shared/crypto/signing.ts";
import { HoldfastError } from "#shared/errors.ts";
import { type CommitId, idFromBytes } from "#shared/format/ids.ts";
import { decodeLogEntry, encodeLogEntry, type LogEntry, type LogEvent } from "#shared/format/log-entry.ts";
import { formatLimits } from "#shared/format/limits.ts";
import type { Random } from "#shared/random.ts";
import { logKey } from "#shared/store/object-key.ts";
import type { Store } from "#shared/store/store.ts";
import { foldEntry, judgeEntry } from "./fold-entry.ts";
import { type LogMark, type LogState, seqOfAttempt } from "./log-state.ts";
import { placeEntry } from "./place-entry.ts";
import { readPresentEntry } from "./read-entry.ts";
import { readLog } from "./read-log.ts";
import { violationError } from "./violation.ts";
import { stopIfAborted } from "./stop-if-aborted.ts";

/** What every appender is given. */
export type Appender = {
  readonly store: Store;
  readonly signer: Signer;
  readonly clock: Clock;
  readonly random: Random;
  /** The log as far as it is folded; `emptyLogState` will do. */
  readonly from: LogState;
  /** True: `from` is the fold of a checkpoint, and its last entry may be lost: as `readLog` has it. */
  readonly isFromCheckpoint?: boolean;
  /** The highest entry that this client has ever seen. */
  readonly atLeast?: LogMark;
  /**
   * Names this append across restarts: an entry of this id among the last 512 or more counts as done. Default: drawn at random.
   * An id is kept for one append only, and written down before the append begins.
   */
  readonly attemptId?: CommitId;
  readonly signal?: AbortSignal;
};

/** What came of an append. */
export type Appended = {
  /** True when this call's entry is in the log, even where the reply to its put was lost; false when there was nothing to append. */
  readonly appended: boolean;
  /** The entry that holds the events (or would have told that there is nothing to do: the newest), and its hash. */
  readonly seq: number;
  readonly entrySha256: Uint8Array;
  /** The newest state that is known, at or after `seq`. */
  readonly state: LogState;
};

/** Races that one append may lose in a row. */
const lostRaces = 10_000;

/**
 * Stage 2: appends one entry to the log, exactly once.
 *
 * Fold to the newest entry, let `decide` judge that state and say what to append, put it at the next number. If another's entry got the
 * number, fold that one and start over: `decide` sees every entry that precedes its own, whatever was decided in between. Of two
 * appenders whose events exclude each other the later one finds out before it writes.
 *
 * @param decide - the events for the entry after `state`, or none when there is nothing to do (any more); it applies the append-time
 *   rules and throws what they forbid; called once per round, so it costs no requests
 * @throws {HoldfastError} whatever `decide` throws; nothing was appended
 * @throws {HoldfastError} conflict, absent or invalid: a fold-time rule forbids the events; nothing was appended
 * @throws {HoldfastError} unavailable: the store does not answer; where `detail.outcome` is "unknown", the entry may be in the log or get there
 * @throws {HoldfastError} corrupt, incompatible: the log cannot be folded
 */
export async function appendEntry(
  appender: Appender,
  decide: (state: LogState) => readonly LogEvent[],
): Promise<Appended> {
  const { store, clock, random, signal, atLeast } = appender;
  const attemptId = appender.attemptId ?? idFromBytes("commit", random(16));
  const stoppable = signal === undefined ? {} : { signal };
  let state = await readLog({
    store,
    from: appender.from,
    isFromCheckpoint: appender.isFromCheckpoint ?? false,
    ...stoppable,
    ...(atLeast === undefined ? {} : { atLeast }),
  });
  let pace = appender.from.seq === 0 ? 0 : state.seq - appender.from.seq;
  for (let losses = 0; losses < lostRaces; losses++) {
    const landed = seqOfAttempt(state, attemptId);
    if (landed !== undefined) return { ...(await entryAt(store, state, landed)), appended: true, state };
    stopIfAborted(signal);
    const events = decide(state);
    if (events.length === 0) return { appended: false, seq: state.seq, entrySha256: state.lastSha256, state };
    const { entry, next } = prepareEntry(appender, state, attemptId, { events, isFirst: losses === 0 });
    const found = await placeEntry({ store, entry, losses, pace, clock, random, ...stoppable });
    if (found.length === 0) return { appended: true, seq: entry.seq, entrySha256: entry.sha256, state: next };
    pace = found.length;
    for (const stored of found) state = foldEntry(state, stored); // our own may be the first: the next round sees it
  }
  throw new HoldfastError("unavailable", `Cannot append to the log: others were first ${lostRaces} times in a row`, {
    detail: { seq: state.seq },
    hint: "Run the command again when fewer writers are at work.",
  });
}

/** The number and hash of an entry that is folded into `state`; reads it unless it is the last. */
export async function entryAt(
  store: Store,
  state: LogState,
  seq: number,
): Promise<{ readonly seq: number; readonly entrySha256: Uint8Array }> {
  if (seq === state.seq) return { seq, entrySha256: state.lastSha256 };
  return { seq, entrySha256: (await readPresentEntry(store, seq)).sha256 };
}

function prepareEntry(
  { signer, clock }: Appender,
  state: LogState,
  commitId: CommitId,
  { events, isFirst }: { readonly events: readonly LogEvent[]; readonly isFirst: boolean },
): {
  readonly entry: { seq: number; commitId: CommitId; bytes: Uint8Array; sha256: Uint8Array };
  readonly next: LogState;
} {
  const seq = state.seq + 1;
  const entry: LogEntry = {
    storeId: state.storeId,
    seq,
    prev: state.lastSha256,
    timeMs: Math.max(0, Math.floor(clock.nowMs())),
    commitId,
    author: signer.publicKey,
    events,
  };
  const bytes = encodeLogEntry(entry, (message) => signer.sign(message));
  if (bytes.byteLength > formatLimits.logEntryBytes) {
    throw new HoldfastError("invalid", `Cannot append an entry of ${bytes.byteLength} bytes: it is too large`, {
      detail: { events: events.length },
    });
  }
  const stored = { entry: decodeOwn(bytes, seq, isFirst), sha256: sha256(bytes) };
  const judgement = judgeEntry(state, stored);
  if ("violation" in judgement) throw violationError(`Cannot append log entry ${seq}`, judgement.violation);
  return { entry: { seq, commitId, bytes, sha256: stored.sha256 }, next: judgement.state };
}

/**
 * What every reader will make of our own bytes: an entry that nobody can read would end the log for ever. That the key signs as it should is
 * looked at once an append: it costs more than all the rest of an attempt.
 */
function decodeOwn(bytes: Uint8Array, seq: number, isFirst: boolean): LogEntry {
  try {
    return decodeLogEntry(bytes, logKey(seq), isFirst ? verifySignature : () => true);
  } catch (cause) {
    throw new HoldfastError("internal", `Cannot append log entry ${seq}: it could not be read back`, { cause });
  }
}
