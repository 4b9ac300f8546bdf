import type { LogMoment } from "#shared/format/checkpoint.ts";
import type { RowRun } from "#shared/format/fold-section.ts";
import type { StateId } from "#shared/format/ids.ts";
import type { LogEvent } from "#shared/format/log-entry.ts";
import { packTableRowBytes } from "#shared/format/pack.ts";
import { HoldfastError } from "#shared/errors.ts";
import type { LogState, SnapshotRecord } from "./log-state.ts";
import { countRows } from "./resolve-row.ts";
import type { RelocateEvent } from "./rules/check-relocate.ts";
import type { SweepEvent } from "./rules/check-sweep.ts";
import { type LogRules, logRules } from "./rules/log-rules.ts";
import { checkRules } from "./rules/rule.ts";
import type { Violation } from "./violation.ts";
import { withoutGone } from "./without-gone.ts";

/**
 * Checks one event by its fold-time rules and applies it.
 *
 * @param state - the fold of all earlier entries and of the events before this one in its entry
 * @param moment - number and time of the event's entry
 * @param rules - the rules of the log; others only to see what comes of them
 * @returns the next state, or why the rules forbid the event
 * @throws {HoldfastError} incompatible: an event that this program does not know
 */
export function applyEvent(
  state: LogState,
  event: LogEvent,
  moment: LogMoment,
  rules: LogRules = logRules,
): { readonly state: LogState } | { readonly violation: Violation } {
  const found = checkFoldRules(state, event, rules);
  return found === undefined ? { state: afterEvent(state, event, moment, rules) } : { violation: found };
}

function checkFoldRules(state: LogState, event: LogEvent, rules: LogRules): Violation | undefined {
  switch (event.type) {
    case "commit":
      return checkRules(rules.commit, state, event);
    case "remove":
      return checkRules(rules.remove, state, event);
    case "undelete":
      return checkRules(rules.undelete, state, event);
    case "condemn":
      return checkRules(rules.condemn, state, event);
    case "revive":
      return checkRules(rules.revive, state, event);
    case "sweep":
      return checkRules(rules.sweep, state, event);
    case "relocate":
      return checkRules(rules.relocate, state, event);
    case "checkpoint":
      return checkRules(rules.checkpoint, state, event);
    case "settings":
      return undefined;
    default:
      return unknownEvent(event);
  }
}

function afterEvent(state: LogState, event: LogEvent, moment: LogMoment, rules: LogRules): LogState {
  switch (event.type) {
    case "commit": {
      const { stateId, commitId, headBytes, stateBytes } = event;
      const record = { stateId, commitId, seq: moment.seq, timeMs: moment.timeMs, headBytes, stateBytes };
      return {
        ...state,
        snapshots: state.snapshots.with(stateId, record),
        snapshotOfCommit: state.snapshotOfCommit.with(commitId, stateId),
        condemned: state.condemned.withoutAll(event.revive),
      };
    }
    case "remove":
      return withSnapshots(state, event.snapshots, (each) => ({ ...each, removed: moment }));
    case "undelete": {
      const visible = withSnapshots(state, event.snapshots, ({ removed: _removed, ...each }) => each);
      return { ...visible, condemned: state.condemned.withoutAll(event.revive) };
    }
    case "condemn":
      return { ...state, condemned: state.condemned.withAll(event.packs, moment) };
    case "revive":
      return { ...state, condemned: state.condemned.withoutAll(event.packs) };
    case "sweep":
      return afterSweep(state, event, moment.seq, moment.seq - rules.goneRelocationsStay);
    case "relocate":
      return afterRelocate(state, event, moment.seq);
    case "checkpoint":
      return { ...state, checkpoint: { seq: event.seq, sha256: event.sha256 } };
    case "settings":
      return { ...state, graceMs: event.graceMs };
    default:
      return unknownEvent(event);
  }
}

function afterSweep(state: LogState, event: SweepEvent, seq: number, goneBy: number): LogState {
  let { snapshots, snapshotOfCommit } = state;
  for (const stateId of event.states) {
    const record = snapshots.get(stateId);
    if (record === undefined) continue;
    snapshots = snapshots.without(stateId);
    snapshotOfCommit = snapshotOfCommit.without(record.commitId);
  }
  const swept = state.swept.withAll(event.packs, seq);
  return {
    ...state,
    snapshots,
    snapshotOfCommit,
    relocated: withoutGone({ relocated: state.relocated, swept }, goneBy),
    condemned: state.condemned.withoutAll(event.packs),
    placed: state.placed.withoutAll(event.packs),
    swept,
    sweptStates: state.sweptStates.withAll(event.states, seq),
  };
}

function afterRelocate(state: LogState, event: RelocateEvent, seq: number): LogState {
  let { relocated, placed } = state;
  let pack = 0;
  let firstRow = 0;
  for (const { packId, segments } of event.from) {
    const runs: RowRun[] = [];
    for (let left = countRows(segments); left > 0;) {
      const to = event.to[pack];
      if (to === undefined) break;
      const rows = Math.min(left, to.table.byteLength / packTableRowBytes - firstRow);
      if (rows > 0) runs.push({ packId: to.packId, firstRow, rows });
      left -= rows;
      firstRow += rows;
      if (left > 0) [pack, firstRow] = [pack + 1, 0];
    }
    relocated = relocated.with(packId, { seq, segments, runs });
  }
  placed = placed.withAll(
    event.to.map((each) => each.packId),
    seq,
  );
  return { ...state, relocated, placed };
}

function withSnapshots(
  state: LogState,
  changed: readonly StateId[],
  change: (record: SnapshotRecord) => SnapshotRecord,
): LogState {
  let { snapshots } = state;
  for (const stateId of changed) {
    const record = snapshots.get(stateId);
    if (record !== undefined) snapshots = snapshots.with(stateId, change(record));
  }
  return { ...state, snapshots };
}

function unknownEvent(event: never): never {
  const { type } = event as { type: unknown };
  throw new HoldfastError(
    "incompatible",
    `Cannot fold an event of type "${String(type).slice(0, 64)}": it is not known`,
    {
      hint: "Use a newer version of Holdfast.",
    },
  );
}
