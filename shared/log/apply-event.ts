import type { LogMoment } from "#shared/format/checkpoint.ts";
import type { PackId, StateId } from "#shared/format/ids.ts";
import type { LogEvent } from "#shared/format/log-entry.ts";
import { HoldfastError } from "#shared/errors.ts";
import type { IdMap } from "./id-map.ts";
import type { LogState, SnapshotRecord } from "./log-state.ts";
import { checkCommit } from "./rules/check-commit.ts";
import { checkRemove } from "./rules/check-remove.ts";
import { checkUndelete } from "./rules/check-undelete.ts";
import type { Violation } from "./violation.ts";

/**
 * Checks one event by its fold-time rules and applies it.
 *
 * @param state - the fold of all earlier entries and of the events before this one in its entry
 * @param moment - number and time of the event's entry
 * @returns the next state, or why the rules forbid the event
 * @throws {HoldfastError} incompatible: an event that this program does not know
 */
export function applyEvent(
  state: LogState,
  event: LogEvent,
  moment: LogMoment,
): { readonly state: LogState } | { readonly violation: Violation } {
  switch (event.type) {
    case "commit": {
      const found = checkCommit(state, event);
      if (found !== undefined) return { violation: found };
      const { stateId, commitId, headBytes, stateBytes } = event;
      const record = { stateId, commitId, seq: moment.seq, timeMs: moment.timeMs, headBytes, stateBytes };
      return {
        state: {
          ...state,
          snapshots: state.snapshots.with(stateId, record),
          snapshotOfCommit: state.snapshotOfCommit.with(commitId, stateId),
          condemned: withoutAll(state.condemned, event.revive),
        },
      };
    }
    case "remove": {
      const found = checkRemove(state, event);
      if (found !== undefined) return { violation: found };
      return { state: withSnapshots(state, event.snapshots, (each) => ({ ...each, removed: moment })) };
    }
    case "undelete": {
      const found = checkUndelete(state, event);
      if (found !== undefined) return { violation: found };
      const visible = withSnapshots(state, event.snapshots, ({ removed: _removed, ...each }) => each);
      return { state: { ...visible, condemned: withoutAll(state.condemned, event.revive) } };
    }
    default:
      return unknownEvent(event);
  }
}

function withoutAll<Value>(map: IdMap<PackId, Value>, packs: readonly PackId[]): IdMap<PackId, Value> {
  return packs.reduce((rest, packId) => rest.without(packId), map);
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
