import type { CheckpointHead, LogMoment } from "#shared/format/checkpoint.ts";
import type { FoldSection, Relocation } from "#shared/format/fold-section.ts";
import type { IdRows } from "#shared/format/id-rows.ts";
import { IdMap } from "./id-map.ts";
import { attemptRun, emptyLogState, type LogState } from "./log-state.ts";

/** The fold as a checkpoint holds it: rows of its head, and its section "fold". */
export type CheckpointFold = Pick<
  CheckpointHead,
  "storeId" | "seq" | "entrySha256" | "snapshots" | "attempts" | "condemned" | "swept"
> & { readonly section: FoldSection };

/** A folded state as a checkpoint holds it; nothing is lost. Long lists are read from the state one row at a time. */
export function foldToCheckpoint(state: LogState): CheckpointFold {
  const attempts = [...state.attempts.older, ...state.attempts.newer].map(([commitId, seq]) => ({ commitId, seq }));
  return {
    storeId: state.storeId,
    seq: state.seq,
    entrySha256: state.lastSha256,
    snapshots: rowsOf(state.snapshots, (_stateId, record) => record),
    attempts: attempts.sort((left, right) => (left.commitId < right.commitId ? -1 : 1)),
    condemned: rowsOf(state.condemned, (packId, { seq, timeMs }) => ({ packId, seq, timeMs })),
    swept: rowsOf(state.swept, (packId, seq) => ({ packId, seq })),
    section: {
      sweptStates: rowsOf(state.sweptStates, (id, seq) => ({ id, seq })),
      relocated: Array.from(state.relocated, ([packId, relocation]) => ({ packId, ...relocation })),
      placed: rowsOf(state.placed, (id, seq) => ({ id, seq })),
      ...(state.checkpoint === undefined ? {} : { checkpoint: state.checkpoint }),
      ...(state.graceMs === undefined ? {} : { graceMs: state.graceMs }),
    },
  };
}

function rowsOf<Id extends string, Value, Row>(
  map: IdMap<Id, Value>,
  rowOf: (id: Id, value: Value) => Row,
): IdRows<Row> {
  return {
    length: map.size,
    *[Symbol.iterator]() {
      for (const [id, value] of map) yield rowOf(id, value);
    },
  };
}

function mapOf<Id extends string, Value, Row>(
  rows: IdRows<Row>,
  idOf: (row: Row) => Id,
  valueOf: (row: Row) => Value,
): IdMap<Id, Value> {
  const values: Value[] = [];
  let ids: Buffer = Buffer.alloc(0);
  for (const row of rows) {
    const id = idOf(row);
    if (values.length === 0) ids = Buffer.alloc((rows.length * id.length) / 2);
    ids.write(id, (values.length * id.length) / 2, "hex");
    values.push(valueOf(row));
  }
  return IdMap.ofAscending(ids, values);
}

/**
 * The folded state that a checkpoint holds: to fold on from it gives what folding from the first entry gives. Packs that one entry
 * condemned share one moment in memory.
 */
export function foldFromCheckpoint(fold: CheckpointFold): LogState {
  let { snapshotOfCommit } = emptyLogState(fold.storeId);
  let { older, newer } = emptyLogState(fold.storeId).attempts;
  for (const { commitId, stateId } of fold.snapshots) snapshotOfCommit = snapshotOfCommit.with(commitId, stateId);
  const newerFrom = Math.floor((fold.seq - 1) / attemptRun) * attemptRun + 1;
  for (const { commitId, seq } of fold.attempts) {
    if (seq >= newerFrom) newer = newer.with(commitId, seq);
    else older = older.with(commitId, seq);
  }
  const moments = new Map<number, LogMoment>();
  const momentOf = ({ seq, timeMs }: LogMoment): LogMoment => {
    let moment = moments.get(seq);
    if (moment === undefined) moments.set(seq, (moment = { seq, timeMs }));
    return moment;
  };
  const { storeId, seq, entrySha256, section } = fold;
  const relocated = mapOf(
    section.relocated,
    (each) => each.packId,
    ({ packId: _packId, ...relocation }): Relocation => relocation,
  );
  return {
    storeId,
    seq,
    lastSha256: entrySha256,
    snapshots: mapOf(
      fold.snapshots,
      (each) => each.stateId,
      (each) => each,
    ),
    snapshotOfCommit,
    attempts: { older, newer },
    condemned: mapOf(fold.condemned, (each) => each.packId, momentOf),
    swept: mapOf(
      fold.swept,
      (each) => each.packId,
      (each) => each.seq,
    ),
    sweptStates: mapOf(
      section.sweptStates,
      (each) => each.id,
      (each) => each.seq,
    ),
    relocated,
    placed: mapOf(
      section.placed,
      (each) => each.id,
      (each) => each.seq,
    ),
    ...(section.checkpoint === undefined ? {} : { checkpoint: section.checkpoint }),
    ...(section.graceMs === undefined ? {} : { graceMs: section.graceMs }),
  };
}
