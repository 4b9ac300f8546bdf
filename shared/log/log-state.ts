import type { CheckpointSnapshot, LogMoment } from "#shared/format/checkpoint.ts";
import type { CommitId, PackId, StateId, StoreId } from "#shared/format/ids.ts";
import type { Relocation } from "#shared/format/fold-section.ts";
import { IdMap } from "./id-map.ts";

/** A snapshot as the log knows it: who published it and when, where its state lies, whether it is removed. */
export type SnapshotRecord = CheckpointSnapshot;

/** What a client remembers of a log between runs: the highest entry that it has seen. Entry 0 stands for "nothing yet". */
export type LogMark = {
  readonly seq: number;
  /** SHA-256 of entry `seq`, 32 bytes. */
  readonly sha256: Uint8Array;
};

/**
 * The fold of log entries 1..`seq`: the same for everyone who folds them, from the first entry or from a checkpoint.
 *
 * Immutable: an older state stays valid beside a newer one and shares its memory.
 */
export type LogState = {
  readonly storeId: StoreId;
  /** The last entry that is folded in; 0 before the first. */
  readonly seq: number;
  /** SHA-256 of that entry: what the next one must carry as `prev`. Zeros before the first. */
  readonly lastSha256: Uint8Array;
  /** Every snapshot that was ever published, also the removed ones, until its state is swept. */
  readonly snapshots: IdMap<StateId, SnapshotRecord>;
  /** The snapshot of each commit id that one of them carries. */
  readonly snapshotOfCommit: IdMap<CommitId, StateId>;
  /** Commit ids of the latest entries. */
  readonly attempts: RecentAttempts;
  /** Packs condemned and not swept: deduplication does not see them, reads still work. By the entry that condemned them. */
  readonly condemned: IdMap<PackId, LogMoment>;
  /** Packs that were ever swept, by the number of the entry that did it. A swept pack id is never used again. */
  readonly swept: IdMap<PackId, number>;
  /** States that were ever swept, by the number of the entry that did it. A swept state is never published. */
  readonly sweptStates: IdMap<StateId, number>;
  /** Packs that segments were moved out of, while anything of them is left: heads of states go on naming them. */
  readonly relocated: IdMap<PackId, Relocation>;
  /** Packs that segments were moved into and that are not swept, by the number of the entry that did it: their tables stand there. */
  readonly placed: IdMap<PackId, number>;
  /** The newest checkpoint that an entry vouches for. */
  readonly checkpoint?: LogMark;
  /** The grace period where an entry set it, milliseconds; else that of `config` holds. */
  readonly graceMs?: number;
};

/**
 * Commit ids of entries, by entry number, in two generations: `newer` holds those of the current run of `attemptRun`
 * entries (1..512, 513..1024, …), `older` those of the run before. So the last 512 entries at least are remembered.
 */
export type RecentAttempts = {
  readonly older: IdMap<CommitId, number>;
  readonly newer: IdMap<CommitId, number>;
};

/** Entries in one generation of `RecentAttempts`. Part of the format: every fold must remember the same. */
export const attemptRun = 512;

/** The fold of no entries. */
export function emptyLogState(storeId: StoreId): LogState {
  return {
    storeId,
    seq: 0,
    lastSha256: new Uint8Array(32),
    snapshots: IdMap.empty(),
    snapshotOfCommit: IdMap.empty(),
    attempts: { older: IdMap.empty(), newer: IdMap.empty() },
    condemned: IdMap.empty(),
    swept: IdMap.empty(),
    sweptStates: IdMap.empty(),
    relocated: IdMap.empty(),
    placed: IdMap.empty(),
  };
}

/** The number of the recent entry that carries `commitId`, or undefined. */
export function seqOfAttempt(state: LogState, commitId: CommitId): number | undefined {
  return state.attempts.newer.get(commitId) ?? state.attempts.older.get(commitId);
}

/** What a client remembers of this state. */
export function logMark(state: LogState): LogMark {
  return { seq: state.seq, sha256: state.lastSha256 };
}
