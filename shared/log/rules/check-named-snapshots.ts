import type { StateId } from "#shared/format/ids.ts";
import type { LogState } from "#shared/log/log-state.ts";
import { type Violation, violation } from "#shared/log/violation.ts";

/** What every list of snapshots in an event keeps (fold-time): it is not empty, names none twice, and all are published. */
export function checkNamedSnapshots(state: LogState, snapshots: readonly StateId[]): Violation | undefined {
  if (snapshots.length === 0) return violation("snapshots-are-named-once", "invalid", "it names no snapshot");
  const seen = new Set<StateId>();
  for (const stateId of snapshots) {
    if (seen.has(stateId))
      return violation("snapshots-are-named-once", "invalid", `snapshot ${stateId} is named twice`, [stateId]);
    seen.add(stateId);
  }
  const unknown = snapshots.filter((each) => !state.snapshots.has(each));
  if (unknown.length === 0) return undefined;
  return violation("snapshots-are-published", "absent", `snapshot ${unknown[0]} is not in the log`, unknown);
}
