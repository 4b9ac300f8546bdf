import type { PackId, StateId } from "#shared/format/ids.ts";
import type { LogEvent } from "#shared/format/log-entry.ts";
import type { LogState } from "#shared/log/log-state.ts";
import { type Violation, violation } from "#shared/log/violation.ts";
import { checkNamedSnapshots } from "./check-named-snapshots.ts";
import { checkPackUse } from "./check-pack-use.ts";

/** An `undelete` event. */
export type UndeleteEvent = Extract<LogEvent, { type: "undelete" }>;

/** What an appender must know, beyond the log, to undelete snapshots. */
export type UndeleteFacts = {
  /** The packs that each of the snapshots references, from the head of its state. */
  readonly packsOf: (stateId: StateId) => Iterable<PackId>;
};

/**
 * The rules of an undeletion, against the fold of everything before it.
 *
 * Fold-time: it names at least one snapshot, none twice, each published and removed.
 * Append-time (with `facts`): no pack that one of them references was ever swept, and each condemned one is revived.
 *
 * @param facts - undefined: only the fold-time rules, as for published history
 */
export function checkUndelete(state: LogState, event: UndeleteEvent, facts?: UndeleteFacts): Violation | undefined {
  const unnamed = checkNamedSnapshots(state, event.snapshots);
  if (unnamed !== undefined) return unnamed;
  const live = event.snapshots.filter((each) => state.snapshots.get(each)?.removed === undefined);
  if (live.length > 0)
    return violation("snapshots-are-removed", "conflict", `snapshot ${live[0]} is not removed`, live);
  if (facts === undefined) return undefined;
  const needed = new Set<PackId>();
  for (const stateId of event.snapshots) for (const packId of facts.packsOf(stateId)) needed.add(packId);
  return checkPackUse(state, needed, new Set(event.revive));
}
