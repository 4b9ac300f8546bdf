import type { CheckpointHead } from "#shared/format/checkpoint.ts";
import type { FoldSection } from "#shared/format/fold-section.ts";
import { attemptRun, emptyLogState, type LogState } from "./log-state.ts";

/** The fold as a checkpoint holds it: rows of its head, and its section "fold". */
export type CheckpointFold = Pick<
  CheckpointHead,
  "storeId" | "seq" | "entrySha256" | "snapshots" | "attempts" | "condemned" | "swept"
> & { readonly section: FoldSection };

/** A folded state as a checkpoint holds it; nothing is lost. */
export function foldToCheckpoint(state: LogState): CheckpointFold {
  return {
    storeId: state.storeId,
    seq: state.seq,
    entrySha256: state.lastSha256,
    snapshots: [...state.snapshots.values()],
    attempts: [...state.attempts.older, ...state.attempts.newer].map(([commitId, seq]) => ({ commitId, seq })),
    condemned: Array.from(state.condemned, ([packId, moment]) => ({ packId, seq: moment.seq, timeMs: moment.timeMs })),
    swept: Array.from(state.swept, ([packId, seq]) => ({ packId, seq })),
    section: {
      sweptStates: Array.from(state.sweptStates, ([stateId, seq]) => ({ stateId, seq })),
      relocated: Array.from(state.relocated, ([packId, relocation]) => ({ packId, ...relocation })),
      placed: [...state.placed.values()],
      ...(state.checkpoint === undefined ? {} : { checkpoint: state.checkpoint }),
      ...(state.graceMs === undefined ? {} : { graceMs: state.graceMs }),
    },
  };
}

/**
 * The folded state that a checkpoint holds: to fold on from it gives what folding from the first entry gives. Packs that one entry
 * condemned share one moment in memory.
 */
export function foldFromCheckpoint(fold: CheckpointFold): LogState {
  let { snapshots, snapshotOfCommit, condemned, swept, sweptStates, relocated, placed } = emptyLogState(fold.storeId);
  let { older, newer } = emptyLogState(fold.storeId).attempts;
  for (const record of fold.snapshots) {
    snapshots = snapshots.with(record.stateId, record);
    snapshotOfCommit = snapshotOfCommit.with(record.commitId, record.stateId);
  }
  const newerFrom = Math.floor((fold.seq - 1) / attemptRun) * attemptRun + 1;
  for (const { commitId, seq } of fold.attempts) {
    if (seq >= newerFrom) newer = newer.with(commitId, seq);
    else older = older.with(commitId, seq);
  }
  const moments = new Map<number, { seq: number; timeMs: number }>();
  for (const { packId, seq, timeMs } of fold.condemned) {
    let moment = moments.get(seq);
    if (moment === undefined) moments.set(seq, (moment = { seq, timeMs }));
    condemned = condemned.with(packId, moment);
  }
  for (const { packId, seq } of fold.swept) swept = swept.with(packId, seq);
  const { storeId, seq, entrySha256, section } = fold;
  for (const each of section.sweptStates) sweptStates = sweptStates.with(each.stateId, each.seq);
  for (const { packId, ...relocation } of section.relocated) relocated = relocated.with(packId, relocation);
  for (const each of section.placed) placed = placed.with(each.packId, each);
  return {
    storeId,
    seq,
    lastSha256: entrySha256,
    snapshots,
    snapshotOfCommit,
    attempts: { older, newer },
    condemned,
    swept,
    sweptStates,
    relocated,
    placed,
    ...(section.checkpoint === undefined ? {} : { checkpoint: section.checkpoint }),
    ...(section.graceMs === undefined ? {} : { graceMs: section.graceMs }),
  };
}
