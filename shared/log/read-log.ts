import { equalBytes } from "#shared/bytes/equal-bytes.ts";
import { encodeHex } from "#shared/bytes/hex.ts";
import { HoldfastError, isHoldfastError } from "#shared/errors.ts";
import { formatLimits } from "#shared/format/limits.ts";
import { logKey, logPrefix, seqOfKey } from "#shared/store/object-key.ts";
import type { Store } from "#shared/store/store.ts";
import { foldEntry, type StoredEntry } from "./fold-entry.ts";
import type { LogMark, LogState } from "./log-state.ts";
import { readEntry, readPresentEntry } from "./read-entry.ts";
import { stopIfAborted } from "./stop-if-aborted.ts";

/** Options of `readLog`. */
export type ReadLogOptions = {
  readonly store: Store;
  /** Where to start: `emptyLogState`, the fold of a checkpoint, or an earlier result. */
  readonly from: LogState;
  /** The highest entry that this client has ever seen of the store; the store is refused if it does not hold that very entry. */
  readonly atLeast?: LogMark;
  /**
   * True: `from` is what a checkpoint says, and nobody has seen entry `from.seq`. Then that entry is not looked for (if the log goes on, the next
   * one carries its hash), and a log that ends before it is no error.
   */
  readonly isFromCheckpoint?: boolean;
  /** Told of every entry after `from`, in order, with the state after it. */
  readonly onEntry?: (stored: StoredEntry, state: LogState) => void;
  readonly signal?: AbortSignal;
};

/** Entries in flight at most. */
const inFlightEntries = 16;
/** Listed bytes of entries in flight at most, unless one alone is larger. */
const inFlightBytes = 32 * 1024 * 1024;

/**
 * Folds all entries after `from` that the store holds when the call begins (some that come meanwhile may be among them).
 *
 * Readers follow the log first, then the states that it names, then their packs: the reverse of the order in which they were written, so
 * what a reader meets is always whole.
 *
 * Every entry is checked: checksum, signature, store, number, hash of the one before, rules. An entry that is missing before one
 * that is there is an error. That the *end* of the log was cut off cannot be seen in the store itself: that is what `from` and
 * `atLeast` are for. With `atLeast`, the entries `from.seq` and `atLeast.seq` are compared by hash even where no newer entry
 * proves them (one request each at most). Objects under `log/` whose name is not 20 digits are passed over.
 *
 * A listing, then 16 entries in flight, 32 MiB of them at most (or a single one).
 *
 * @throws {HoldfastError} corrupt: an entry is damaged or missing, the chain is broken, the store went back before or
 *   diverges from `from` or `atLeast`; the key is in `detail`
 * @throws {HoldfastError} incompatible: an entry of a newer version
 */
export async function readLog(options: ReadLogOptions): Promise<LogState> {
  const { store, from, atLeast, onEntry, signal, isFromCheckpoint = false } = options;
  if (atLeast !== undefined) await checkMark(store, from, atLeast);
  // Asked for at once with the listing: where nothing newer proves entry `from.seq`, it must be that very entry.
  const last = atLeast === undefined || from.seq === 0 || isFromCheckpoint ? undefined : readEntry(store, from.seq);
  last?.catch(() => undefined); // met below, if it matters
  let state = from;
  const pending: { readonly bytes: number; readonly entry: Promise<StoredEntry> }[] = [];
  let pendingBytes = 0;
  const isFull = (bytes: number): boolean =>
    pending.length >= inFlightEntries || (pending.length > 0 && pendingBytes + bytes > inFlightBytes);
  const foldNext = async (): Promise<void> => {
    const next = pending.shift();
    if (next === undefined) return;
    const stored = await next.entry;
    pendingBytes -= next.bytes;
    state = foldEntry(state, stored);
    if (atLeast?.seq === state.seq) compareMark(atLeast, state.lastSha256);
    onEntry?.(stored, state);
  };
  try {
    for await (const { seq, bytes } of seqsAfter(store, from.seq, isFromCheckpoint)) {
      stopIfAborted(signal);
      while (isFull(bytes)) await foldNext();
      const entry = readPresentEntry(store, seq);
      entry.catch(() => undefined); // its failure is met when its turn comes; until then it is nobody's
      pending.push({ bytes, entry });
      pendingBytes += bytes;
    }
    while (pending.length > 0) await foldNext();
  } finally {
    await Promise.allSettled([last, ...pending.map((each) => each.entry)]);
  }
  if (atLeast !== undefined) {
    if (state.seq < atLeast.seq) throw await wentBack(store, atLeast.seq);
    if (state.seq === from.seq && last !== undefined) {
      const stored = await last.catch(() => readPresentEntry(store, from.seq));
      compareMark({ seq: from.seq, sha256: from.lastSha256 }, stored.sha256);
    }
  }
  return state;
}

/**
 * The numbers after `seq` up to the highest that is listed, without gaps: a listing may miss an entry that came while it ran and show
 * a later one, so what it skips is read all the same. Checks that entry `seq` itself is still there.
 */
async function* seqsAfter(
  store: Store,
  seq: number,
  isProved: boolean,
): AsyncGenerator<{ seq: number; bytes: number }> {
  let last = isProved ? seq : seq - 1;
  for await (const { key, sizeBytes } of store.list(logPrefix, last > 0 ? { after: logKey(last) } : {})) {
    const listed = numberInLogKey(key);
    if (listed === undefined || listed <= last) continue;
    if (sizeBytes > formatLimits.logEntryBytes) {
      throw new HoldfastError("corrupt", `Cannot read ${key}: it has ${sizeBytes} bytes, more than an entry can have`, {
        detail: { key, sizeBytes },
      });
    }
    if (last < seq) {
      if (seq > 0 && listed > seq) throw missingEntry(seq, listed);
      last = seq;
    }
    while (last < listed) {
      last++;
      yield { seq: last, bytes: last === listed ? sizeBytes : formatLimits.logEntryBytes };
    }
  }
  if (seq > 0 && last < seq) throw await wentBack(store, seq);
}

/**
 * Compares what was seen of the log before with `state`, which was folded from a checkpoint: one request at most.
 *
 * @param options.from - the fold of the checkpoint
 * @returns a warning where the marked entry lies before the checkpoint and is lost
 * @throws {HoldfastError} corrupt: the log ends before the mark, or has another entry there
 */
export async function requireMark(options: {
  readonly store: Store;
  readonly state: LogState;
  readonly from: LogState;
  readonly mark: LogMark | undefined;
}): Promise<HoldfastError | undefined> {
  const { store, state, from, mark } = options;
  if (mark === undefined || mark.seq === 0) return undefined;
  if (mark.seq > state.seq) throw await wentBack(store, mark.seq);
  for (const known of [from, state]) {
    if (known.seq !== mark.seq) continue;
    compareMark(mark, known.lastSha256);
    return undefined;
  }
  try {
    compareMark(mark, (await readPresentEntry(store, mark.seq)).sha256);
    return undefined;
  } catch (error) {
    if (mark.seq > from.seq || !isHoldfastError(error, "corrupt") || "seen" in error.detail) throw error;
    return new HoldfastError(
      "corrupt",
      `Cannot tell whether this is the log that was seen before: entry ${mark.seq} cannot be read`,
      { detail: { key: logKey(mark.seq), seq: mark.seq }, hint: "Run `holdfast repair`.", cause: error },
    );
  }
}

function numberInLogKey(key: string): number | undefined {
  return /^log\/0{4}[0-9]{16}$/.test(key) && Number(key.slice(logPrefix.length)) <= Number.MAX_SAFE_INTEGER
    ? seqOfKey(key)
    : undefined;
}

/** Checks the mark against what `from` says of it, or against the entry itself when `from` is beyond it. */
async function checkMark(store: Store, from: LogState, mark: LogMark): Promise<void> {
  if (mark.seq === 0 || mark.seq > from.seq) return;
  compareMark(mark, mark.seq === from.seq ? from.lastSha256 : (await readPresentEntry(store, mark.seq)).sha256);
}

function compareMark(mark: LogMark, sha256: Uint8Array): void {
  if (equalBytes(mark.sha256, sha256)) return;
  throw new HoldfastError(
    "corrupt",
    `Cannot trust this store: its log entry ${mark.seq} has hash ${encodeHex(sha256)}, and was seen with hash ${encodeHex(mark.sha256)}`,
    {
      detail: { key: logKey(mark.seq), seq: mark.seq, found: encodeHex(sha256), seen: encodeHex(mark.sha256) },
      hint: "The log was rewritten, or this is another copy of the store that went its own way: find out which one is the true one.",
    },
  );
}

function missingEntry(seq: number, later: number): HoldfastError {
  return new HoldfastError("corrupt", `Cannot read the log: ${logKey(seq)} is missing, and entry ${later} is there`, {
    detail: { key: logKey(seq), seq, later },
    hint: "Bring the object back from a replica or an older version of it, or run `holdfast repair`.",
  });
}

async function wentBack(store: Store, seen: number): Promise<HoldfastError> {
  let last = 0;
  for await (const { key } of store.list(logPrefix)) last = numberInLogKey(key) ?? last;
  return new HoldfastError(
    "corrupt",
    `Cannot trust this store: its log ends at entry ${last}, and entry ${seen} was seen before`,
    {
      detail: { key: logKey(seen), last, seen },
      hint: "The store was set back to an older copy: find out by whom, before anything is written to it.",
    },
  );
}
