import { HoldfastError, isHoldfastError } from "#shared/errors.ts";
import type { StoreId } from "#shared/format/ids.ts";
import { checkpointKey, checkpointPartsPrefix, checkpointsPrefix, seqOfKey } from "#shared/store/object-key.ts";
import type { Store } from "#shared/store/store.ts";
import { findStatesOfLonger, logIsCutOff } from "./find-states-of-longer.ts";
import { emptyLogState, type LogMark, type LogState } from "./log-state.ts";
import { type Checkpoint, isVouchedBy, readCheckpoint } from "./read-checkpoint.ts";
import { readLog, requireMark } from "./read-log.ts";

/** The log of a store as folded from a checkpoint on, where there is one. */
export type OpenedLog = {
  readonly state: LogState;
  /** The checkpoint that the fold began with, for what else it holds. */
  readonly checkpoint?: Checkpoint;
  /** Why checkpoints were passed over, and what could not be proved: worth telling, and no obstacle. */
  readonly warnings: readonly HoldfastError[];
  /**
   * The store proves that entries at the end of the log are lost: a checkpoint folds more of them, or a state was made by more. Whoever goes on as
   * if nothing were wrong would bury what they said: writers and maintainers refuse the store.
   */
  readonly cutOff?: HoldfastError;
  /** The newest checkpoint of more entries than the log has. Nothing vouches for it. */
  readonly beyond?: Checkpoint;
  /** There is no log, and states are there: those of first backups that were never published, or the log is lost. Worth telling. */
  readonly suspicion?: HoldfastError;
};

/** Checkpoints that are tried at most, before the log is read from its first entry. */
const triedCheckpoints = 4;

/**
 * Folds the log from the newest checkpoint that can be used: a listing and a get of checkpoints, then the log as `readLog` does.
 *
 * A checkpoint is used when a later entry of the log vouches for its very bytes and the entry after it carries the hash of the last
 * entry that it folds. So it takes the place of entries that may be lost, and never contradicts one that is read. What cannot be
 * used (damaged, unvouched, not that which the entry vouches for) is passed over for an older one, and at last for the whole log.
 *
 * `atLeast` below the checkpoint is compared with that very entry, by one get. If that entry is lost, a warning says so: the log did not go
 * back, and whether it went another way before the checkpoint is not known.
 *
 * @throws {HoldfastError} as `readLog`
 */
export async function openLog(options: {
  readonly store: Store;
  readonly storeId: StoreId;
  readonly atLeast?: LogMark;
  readonly signal?: AbortSignal;
}): Promise<OpenedLog> {
  const { store, storeId, atLeast, signal } = options;
  const stoppable = signal === undefined ? {} : { signal };
  const marked = atLeast === undefined ? {} : { atLeast };
  const warnings: HoldfastError[] = [];
  const left = await listCheckpoints(store);
  // Of those that the log does not vouch for. Its entries were there before it was, and it was listed before them.
  let unproved: Checkpoint | undefined;
  for (let tried = 0; tried < triedCheckpoints; tried++) {
    const seq = left.pop();
    if (seq === undefined) break;
    let isVouched = false;
    try {
      const checkpoint = await readCheckpoint(store, storeId, seq);
      const state = await readLog({
        store,
        from: checkpoint.fold,
        isFromCheckpoint: true,
        ...stoppable,
        onEntry: (_stored, after) => {
          isVouched ||= isVouchedBy(checkpoint, after.checkpoint);
        },
      });
      if (!isVouched) {
        if (state.seq === seq) unproved ??= checkpoint;
        if (state.checkpoint !== undefined && state.checkpoint.seq >= seq)
          warnings.push(passedOver(seq, "the log vouches for another one"));
        // Its writer died, or is at it. It knows of the one that is vouched for: what lies in between is like it.
        const vouched = state.checkpoint?.seq ?? 0;
        if (left.includes(vouched)) left.splice(left.indexOf(vouched) + 1);
        continue;
      }
      const unmarked = await requireMark({ store, state, from: checkpoint.fold, mark: atLeast });
      const told = unmarked === undefined ? warnings : [...warnings, unmarked];
      return { state, checkpoint, warnings: told, ...lostBehind(state, unproved) };
    } catch (error) {
      if (!isHoldfastError(error, "corrupt", "incompatible", "absent")) throw error;
      if (isVouched && "seen" in error.detail) throw error;
      warnings.push(passedOver(seq, error.message, error));
    }
  }
  const state = await readLog({ store, from: emptyLogState(storeId), ...marked, ...stoppable });
  const lost = lostBehind(state, unproved);
  if (state.seq > 0 || "cutOff" in lost) return { state, warnings, ...lost };
  return { warnings, ...(await judgeEmptyLog(store, state, signal)) };
}

/** What a checkpoint that folds more entries than the log has means. */
function lostBehind(state: LogState, beyond: Checkpoint | undefined): Pick<OpenedLog, "cutOff" | "beyond"> {
  if (beyond === undefined || beyond.seq <= state.seq) return {};
  return { beyond, cutOff: logIsCutOff(state.seq, beyond.seq, checkpointKey(beyond.seq)) };
}

/** Looks for states beside a log that has no entry: the log as it is then, and what they prove or suggest. */
async function judgeEmptyLog(
  store: Store,
  empty: LogState,
  signal: AbortSignal | undefined,
): Promise<Pick<OpenedLog, "state" | "cutOff" | "suspicion">> {
  const found = await findStatesOfLonger(store, empty, signal);
  if (found.states === 0) return { state: empty };
  // Others may have begun the log meanwhile.
  const state = await readLog({ store, from: empty, ...(signal === undefined ? {} : { signal }) });
  if (found.proof !== undefined && found.proof.baseSeq > state.seq)
    return { state, cutOff: logIsCutOff(state.seq, found.proof.baseSeq, found.proof.key) };
  if (state.seq > 0) return { state };
  const suspicion = new HoldfastError(
    "corrupt",
    `No log entry is there, and ${found.states} states are: first backups that were not finished left them, or the log is lost`,
    { detail: { states: found.states }, hint: "If backups were made here before, run `holdfast repair`." },
  );
  return { state, suspicion };
}

/** The numbers of the checkpoints in the store, ascending. */
export async function listCheckpoints(store: Store): Promise<number[]> {
  const seqs: number[] = [];
  for await (const { key } of store.list(checkpointsPrefix)) {
    if (key >= checkpointPartsPrefix) break;
    if (/^checkpoints\/0{4}[0-9]{16}$/.test(key) && Number(key.slice(-16)) <= Number.MAX_SAFE_INTEGER)
      seqs.push(seqOfKey(key));
  }
  return seqs;
}

function passedOver(seq: number, reason: string, cause?: unknown): HoldfastError {
  return new HoldfastError("corrupt", `Cannot use checkpoint ${seq}, so more of the log is read: ${reason}`, {
    detail: { checkpoint: seq },
    hint: "Run maintenance: it writes a new one.",
    cause,
  });
}
