import { equalBytes } from "#shared/bytes/equal-bytes.ts";
import type { CheckpointHead } from "#shared/format/checkpoint.ts";
import type { LogEvent } from "#shared/format/log-entry.ts";
import type { LogState } from "#shared/log/log-state.ts";
import { type Violation, violation } from "#shared/log/violation.ts";
import { checkRules, type EventRules } from "./rule.ts";

/** A `checkpoint` event. */
export type CheckpointEvent = Extract<LogEvent, { type: "checkpoint" }>;

/** What an appender must know, beyond the log, to vouch for a checkpoint. */
export type CheckpointFacts = {
  /** The head of the checkpoint, as read back from the store after it was written. */
  readonly head: Pick<CheckpointHead, "storeId" | "seq" | "entrySha256">;
  /** SHA-256 of its bytes. */
  readonly sha256: Uint8Array;
  /** SHA-256 of entry `head.seq`, from the appender's own fold of the log. */
  readonly entrySha256: Uint8Array;
};

/** The rules of a checkpoint. */
export const checkpointRules: EventRules<CheckpointEvent, CheckpointFacts> = {
  fold: [{ name: "checkpoints-ascend", check: checkAscends }],
  append: [{ name: "checkpoint-matches-its-head", check: checkHead }],
};

/**
 * The rules of a checkpoint, against the fold of everything before it.
 *
 * Fold-time: it folds entries before its own, and more than the checkpoint before.
 * Append-time (with `facts`): the head is of this store, of this number and hash, and folds the entry that the log has there.
 *
 * @param facts - undefined: only the fold-time rules, as for published history
 */
export function checkCheckpoint(
  state: LogState,
  event: CheckpointEvent,
  facts?: CheckpointFacts,
): Violation | undefined {
  return checkRules(checkpointRules, state, event, facts);
}

function checkAscends(state: LogState, event: CheckpointEvent): Violation | undefined {
  if (event.seq > state.seq) {
    const reason = `checkpoint ${event.seq} folds entries that do not precede it`;
    return violation("checkpoints-ascend", "invalid", reason);
  }
  if (state.checkpoint === undefined || event.seq > state.checkpoint.seq) return undefined;
  const reason = `checkpoint ${event.seq} is not newer than checkpoint ${state.checkpoint.seq}`;
  return violation("checkpoints-ascend", "conflict", reason);
}

function checkHead(state: LogState, event: CheckpointEvent, facts: CheckpointFacts): Violation | undefined {
  const { head, sha256, entrySha256 } = facts;
  if (
    head.storeId === state.storeId &&
    head.seq === event.seq &&
    equalBytes(sha256, event.sha256) &&
    equalBytes(head.entrySha256, entrySha256)
  )
    return undefined;
  const reason = `checkpoint ${event.seq} in the store is not that of this log`;
  return violation("checkpoint-matches-its-head", "corrupt", reason);
}
