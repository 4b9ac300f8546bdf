import type { LogState } from "./log-state.ts";

const leastEntries = 64;
const snapshotsPerEntry = 64;

/**
 * Whether so many entries lie after the newest checkpoint that a committer should write one: more than 64, and more than one for each 64
 * snapshots, so that what a checkpoint writes again for each snapshot stays a bounded cost of each commit.
 */
export function isCheckpointDue(state: LogState): boolean {
  const after = state.seq - (state.checkpoint?.seq ?? 0);
  return after > Math.max(leastEntries, state.snapshots.size / snapshotsPerEntry);
}
