import type { LogEvent } from "#shared/format/log-entry.ts";
import type { PackId } from "#shared/format/ids.ts";
import { packTableRowBytes } from "#shared/format/pack.ts";
import type { StateHead } from "#shared/format/state.ts";
import type { LogState } from "#shared/log/log-state.ts";
import { type Violation, violation } from "#shared/log/violation.ts";
import { checkRevived } from "./check-named-packs.ts";
import { checkNotSwept, checkRevivedAll } from "./check-pack-use.ts";
import { packsNeeded } from "./packs-needed.ts";
import { checkRules, type EventRules } from "./rule.ts";

/** A `commit` event. */
export type CommitEvent = Extract<LogEvent, { type: "commit" }>;

/** What an appender must know, beyond the log, to publish a state. */
export type CommitFacts = {
  /** The state's head. */
  readonly head: Pick<StateHead, "storeId" | "commitId" | "baseSeq" | "packs" | "references">;
  /**
   * Whether a pack was durable and whole at some moment: seen so by `head` in this run, or added by a published state. (Packs that a
   * relocation placed need not be asked for: who relocated had seen them.)
   * That moment may lie in the past: a pack goes away only after its sweep is in the log, and the log is asked too.
   */
  readonly isWhole: (packId: PackId) => boolean;
};

/** The rules of a commit. */
export const commitRules: EventRules<CommitEvent, CommitFacts> = {
  fold: [
    { name: "commit-state-is-new", check: checkStateIsNew },
    { name: "commit-state-is-not-swept", check: checkStateIsNotSwept },
    { name: "commit-id-is-new", check: checkCommitIdIsNew },
    { name: "commit-lengths-are-in-order", check: checkLengths },
    { name: "revived-packs-are-condemned", check: (state, event) => checkRevived(state, event.revive) },
  ],
  append: [
    { name: "commit-matches-its-state", check: checkMatches },
    { name: "commit-base-is-folded", check: checkBase },
    { name: "packs-are-not-swept", check: (state, _event, { head }) => checkNotSwept(state, packsNeeded(state, head)) },
    {
      name: "condemned-packs-are-revived",
      check: (state, event, { head }) => checkRevivedAll(state, packsNeeded(state, head), event.revive),
    },
    { name: "commit-packs-are-whole", check: checkWhole },
    { name: "commit-segments-exist", check: (_state, _event, { head }) => checkSegments(head) },
  ],
};

/**
 * The rules of a commit, against the fold of everything before it.
 *
 * Fold-time (from the log alone; every reader applies them): the state is not published yet, nor swept; its commit id is new; the lengths
 * are in order; what it revives is condemned.
 * Append-time (with `facts`): the event says what the head says; the head is based on entries that are folded; no pack that the snapshot
 * needs was ever swept; each that is condemned is revived; each is whole; the segments that it references in its own packs exist.
 * It needs the packs that the state adds, and those in which what it references is to be read after all relocations.
 *
 * @param facts - undefined: only the fold-time rules, as for published history
 */
export function checkCommit(state: LogState, event: CommitEvent, facts?: CommitFacts): Violation | undefined {
  return checkRules(commitRules, state, event, facts);
}

function checkStateIsNew(state: LogState, event: CommitEvent): Violation | undefined {
  const published = state.snapshots.get(event.stateId);
  if (published === undefined) return undefined;
  const reason = `state ${event.stateId} was already published by log entry ${published.seq}`;
  return violation("commit-state-is-new", "conflict", reason, [event.stateId]);
}

function checkStateIsNotSwept(state: LogState, event: CommitEvent): Violation | undefined {
  const seq = state.sweptStates.get(event.stateId);
  if (seq === undefined) return undefined;
  const reason = `state ${event.stateId} was swept by log entry ${seq}`;
  return violation("commit-state-is-not-swept", "conflict", reason, [event.stateId]);
}

function checkCommitIdIsNew(state: LogState, event: CommitEvent): Violation | undefined {
  const sameCommit = state.snapshotOfCommit.get(event.commitId);
  if (sameCommit === undefined) return undefined;
  const reason = `commit id ${event.commitId} was already used by state ${sameCommit}`;
  return violation("commit-id-is-new", "conflict", reason, [sameCommit]);
}

function checkLengths(_state: LogState, event: CommitEvent): Violation | undefined {
  if (event.headBytes <= event.stateBytes) return undefined;
  const reason = `state ${event.stateId} would be shorter (${event.stateBytes} bytes) than its head (${event.headBytes})`;
  return violation("commit-lengths-are-in-order", "invalid", reason, [event.stateId]);
}

function checkMatches(state: LogState, event: CommitEvent, { head }: CommitFacts): Violation | undefined {
  if (head.storeId === state.storeId && head.commitId === event.commitId) return undefined;
  const reason = `state ${event.stateId} was made for store ${head.storeId} and commit ${head.commitId}, not for ${state.storeId} and ${event.commitId}`;
  return violation("commit-matches-its-state", "invalid", reason, [event.stateId]);
}

function checkBase(state: LogState, event: CommitEvent, { head }: CommitFacts): Violation | undefined {
  if (head.baseSeq <= state.seq) return undefined;
  const reason = `state ${event.stateId} is based on log entry ${head.baseSeq}, and the log ends at ${state.seq}`;
  return violation("commit-base-is-folded", "conflict", reason, [event.stateId]);
}

function checkWhole(state: LogState, _event: CommitEvent, { head, isWhole }: CommitFacts): Violation | undefined {
  const missing: PackId[] = [];
  for (const packId of packsNeeded(state, head))
    if (!state.placed.has(packId) && !isWhole(packId)) missing.push(packId);
  if (missing.length === 0) return undefined;
  const reason = `pack ${missing[0]} is not known to be whole in the store`;
  return violation("commit-packs-are-whole", "absent", reason, missing);
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
