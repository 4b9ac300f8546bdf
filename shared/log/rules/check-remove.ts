import type { StateId } from "#shared/format/ids.ts";
import type { LogEvent } from "#shared/format/log-entry.ts";
import type { LogState } from "#shared/log/log-state.ts";
import { type Violation, violation } from "#shared/log/violation.ts";
import { namedSnapshotsRules } from "./named-snapshots-rules.ts";
import { checkRules, type EventRules } from "./rule.ts";

/** A `remove` event. */
export type RemoveEvent = Extract<LogEvent, { type: "remove" }>;

/** The rules of a removal. */
export const removeRules: EventRules<RemoveEvent> = {
  fold: [...namedSnapshotsRules, { name: "snapshots-are-not-removed", check: checkVisible }],
  append: [],
};

/**
 * The rules of a removal, all fold-time: it names at least one snapshot, none twice, each published and not removed.
 * A removal takes nothing away: it only lets packs be condemned that no other snapshot needs.
 */
export function checkRemove(state: LogState, event: RemoveEvent): Violation | undefined {
  return checkRules(removeRules, state, event);
}

function checkVisible(state: LogState, event: RemoveEvent): Violation | undefined {
  const removed: StateId[] = event.snapshots.filter((each) => state.snapshots.get(each)?.removed !== undefined);
  if (removed.length === 0) return undefined;
  return violation("snapshots-are-not-removed", "conflict", `snapshot ${removed[0]} is already removed`, removed);
}
