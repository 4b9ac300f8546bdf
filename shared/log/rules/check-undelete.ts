import type { PackId, StateId } from "#shared/format/ids.ts";
import type { LogEvent } from "#shared/format/log-entry.ts";
import type { PackReference } from "#shared/format/state.ts";
import type { LogState } from "#shared/log/log-state.ts";
import { resolvePacks } from "#shared/log/resolve-row.ts";
import { type Violation, violation } from "#shared/log/violation.ts";
import { checkRevived } from "./check-named-packs.ts";
import { checkNotSwept, checkRevivedAll } from "./check-pack-use.ts";
import { namedSnapshotsRules } from "./named-snapshots-rules.ts";
import { checkRules, type EventRules } from "./rule.ts";

/** An `undelete` event. */
export type UndeleteEvent = Extract<LogEvent, { type: "undelete" }>;

/** What an appender must know, beyond the log, to undelete snapshots. */
export type UndeleteFacts = {
  /** What each of the snapshots references, from the head of its state. */
  readonly referencesOf: (stateId: StateId) => Iterable<PackReference>;
};

/** The rules of an undeletion. */
export const undeleteRules: EventRules<UndeleteEvent, UndeleteFacts> = {
  fold: [
    ...namedSnapshotsRules,
    { name: "snapshots-are-removed", check: checkRemoved },
    { name: "revived-packs-are-condemned", check: (state, event) => checkRevived(state, event.revive) },
  ],
  append: [
    {
      name: "packs-are-not-swept",
      check: (state, event, facts) => checkNotSwept(state, packsOf(state, event, facts)),
    },
    {
      name: "condemned-packs-are-revived",
      check: (state, event, facts) => checkRevivedAll(state, packsOf(state, event, facts), event.revive),
    },
  ],
};

/**
 * The rules of an undeletion, against the fold of everything before it.
 *
 * Fold-time: it names at least one snapshot, none twice, each published, removed and its state not swept; what it revives is condemned.
 * Append-time (with `facts`): no pack that one of them needs was ever swept, and each condemned one is revived.
 *
 * @param facts - undefined: only the fold-time rules, as for published history
 */
export function checkUndelete(state: LogState, event: UndeleteEvent, facts?: UndeleteFacts): Violation | undefined {
  return checkRules(undeleteRules, state, event, facts);
}

function checkRemoved(state: LogState, event: UndeleteEvent): Violation | undefined {
  const live = event.snapshots.filter((each) => state.snapshots.get(each)?.removed === undefined);
  if (live.length === 0) return undefined;
  return violation("snapshots-are-removed", "conflict", `snapshot ${live[0]} is not removed`, live);
}

function packsOf(state: LogState, event: UndeleteEvent, facts: UndeleteFacts): Set<PackId> {
  const needed = new Set<PackId>();
  for (const stateId of event.snapshots)
    for (const packId of resolvePacks(state, facts.referencesOf(stateId))) needed.add(packId);
  return needed;
}
