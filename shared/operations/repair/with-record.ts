import type { LogState } from "#shared/log/log-state.ts";
import type { UnpublishedState } from "./survey.ts";

/** The fold, if entry `seq` had published that state. */
export function withRecord(log: LogState, state: UnpublishedState & { readonly seq: number }): LogState {
  const { stateId, headBytes, stateBytes, head, seq } = state;
  const { commitId, createdMs: timeMs } = head;
  return {
    ...log,
    snapshots: log.snapshots.with(stateId, { stateId, commitId, seq, timeMs, headBytes, stateBytes }),
    snapshotOfCommit: log.snapshotOfCommit.with(commitId, stateId),
  };
}
