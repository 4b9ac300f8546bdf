import type { StateId } from "#shared/format/ids.ts";
import { appendEntry, type Appended, type Appender } from "./append-entry.ts";
import { checkRemove } from "./rules/check-remove.ts";
import { violationError } from "./violation.ts";

/**
 * Removes snapshots by one log entry. Those that are removed already are passed over, so it may be called again after a failure.
 *
 * @returns `appended` false when all of them had been removed before
 * @throws {HoldfastError} absent: one of them is not in the log (`detail.ids`); none is removed
 * @throws {HoldfastError} as `appendEntry`
 */
export function removeSnapshots(appender: Appender, snapshots: readonly StateId[]): Promise<Appended> {
  const distinct = [...new Set(snapshots)];
  return appendEntry(appender, (state) => {
    const remaining = distinct.filter((each) => state.snapshots.get(each)?.removed === undefined);
    if (remaining.length === 0) return [];
    const event = { type: "remove", snapshots: remaining } as const;
    const found = checkRemove(state, event);
    if (found !== undefined) throw violationError("Cannot remove snapshots", found);
    return [event];
  });
}
