import type { LogEvent } from "#shared/format/log-entry.ts";
import type { PackId } from "#shared/format/ids.ts";
import { packTableRowBytes } from "#shared/format/pack.ts";
import type { StateHead } from "#shared/format/state.ts";
import type { LogState } from "#shared/log/log-state.ts";
import { type Violation, violation } from "#shared/log/violation.ts";
import { checkPackUse } from "./check-pack-use.ts";
import { packsNeeded } from "./packs-needed.ts";

/** A `commit` event. */
export type CommitEvent = Extract<LogEvent, { type: "commit" }>;

/** What an appender must know, beyond the log, to publish a state. */
export type CommitFacts = {
  /** The state's head. */
  readonly head: Pick<StateHead, "storeId" | "commitId" | "baseSeq" | "packs" | "references">;
  /**
   * Whether a pack was durable and whole at some moment: seen so by `head` in this run, or added by a published state.
   * That moment may lie in the past: a pack goes away only after its sweep is in the log, and the log is asked too.
   */
  readonly isWhole: (packId: PackId) => boolean;
};

/**
 * The rules of a commit, against the fold of everything before it.
 *
 * Fold-time (from the log alone; every reader applies them): the state is not published yet; its commit id is new; the lengths are in
 * order; what it revives is condemned.
 * Append-time (with `facts`): the event says what the head says; the head is based on entries that are folded; no pack that it adds or
 * references was ever swept; each pack that it references and that is condemned is revived; each such pack is whole; the segments
 * that it references in its own packs exist.
 *
 * @param facts - undefined: only the fold-time rules, as for published history
 */
export function checkCommit(state: LogState, event: CommitEvent, facts?: CommitFacts): Violation | undefined {
  return checkCommitEvent(state, event) ?? (facts === undefined ? undefined : checkCommitFacts(state, event, facts));
}

function checkCommitEvent(state: LogState, event: CommitEvent): Violation | undefined {
  const published = state.snapshots.get(event.stateId);
  if (published !== undefined) {
    const reason = `state ${event.stateId} was already published by log entry ${published.seq}`;
    return violation("commit-state-is-new", "conflict", reason, [event.stateId]);
  }
  const sameCommit = state.snapshotOfCommit.get(event.commitId);
  if (sameCommit !== undefined) {
    const reason = `commit id ${event.commitId} was already used by state ${sameCommit}`;
    return violation("commit-id-is-new", "conflict", reason, [sameCommit]);
  }
  if (event.headBytes > event.stateBytes) {
    const reason = `state ${event.stateId} would be shorter (${event.stateBytes} bytes) than its head (${event.headBytes})`;
    return violation("commit-lengths-are-in-order", "invalid", reason, [event.stateId]);
  }
  const seen = new Set<PackId>();
  for (const packId of event.revive) {
    if (!state.condemned.has(packId) || seen.has(packId)) {
      const reason = `pack ${packId} cannot be revived: it is not condemned`;
      return violation("revived-packs-are-condemned", "conflict", reason, [packId]);
    }
    seen.add(packId);
  }
  return undefined;
}

function checkCommitFacts(state: LogState, event: CommitEvent, facts: CommitFacts): Violation | undefined {
  const { head, isWhole } = facts;
  if (head.storeId !== state.storeId || head.commitId !== event.commitId) {
    const reason = `state ${event.stateId} was made for store ${head.storeId} and commit ${head.commitId}, not for ${state.storeId} and ${event.commitId}`;
    return violation("commit-matches-its-state", "invalid", reason, [event.stateId]);
  }
  if (head.baseSeq > state.seq) {
    const reason = `state ${event.stateId} is based on log entry ${head.baseSeq}, and the log ends at ${state.seq}`;
    return violation("commit-base-is-folded", "conflict", reason, [event.stateId]);
  }
  const needed = packsNeeded(head);
  const misused = checkPackUse(state, needed, new Set(event.revive));
  if (misused !== undefined) return misused;
  const missing = [...needed].filter((packId) => !isWhole(packId));
  if (missing.length > 0) {
    const reason = `pack ${missing[0]} is not known to be whole in the store`;
    return violation("commit-packs-are-whole", "absent", reason, missing);
  }
  return checkSegments(head);
}

function checkSegments(head: CommitFacts["head"]): Violation | undefined {
  const segmentCounts = new Map(head.packs.map((each) => [each.packId, each.table.byteLength / packTableRowBytes]));
  for (const { packId, segments } of head.references) {
    const count = segmentCounts.get(packId);
    if (count !== undefined && bitLength(segments) > count) {
      const reason = `segment ${bitLength(segments) - 1} of pack ${packId} is referenced, and it has ${count}`;
      return violation("commit-segments-exist", "invalid", reason, [packId]);
    }
  }
  return undefined;
}

/** One more than the number of the highest bit that is set; 0 when none is. */
function bitLength(bits: Uint8Array): number {
  let last = bits.byteLength - 1;
  while (last >= 0 && bits[last] === 0) last--;
  return last < 0 ? 0 : last * 8 + 32 - Math.clz32(bits[last] ?? 0);
}
