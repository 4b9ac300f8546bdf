import type { LogEntry } from "#shared/format/log-entry.ts";
import { type LogState, seqOfAttempt } from "#shared/log/log-state.ts";
import { type Violation, violation } from "#shared/log/violation.ts";
import type { FoldRule } from "./rule.ts";

/** A rule of an entry as a whole. */
export type EntryRule = FoldRule<Pick<LogEntry, "commitId" | "events">>;

/** The rules of an entry as a whole, beside its place in the chain; all fold-time. */
export const entryRules: readonly EntryRule[] = [
  {
    name: "entry-has-events",
    check: (_state, entry) =>
      entry.events.length === 0 ? violation("entry-has-events", "invalid", "it has no events") : undefined,
  },
  { name: "entry-attempt-is-new", check: checkAttempt },
];

/** An attempt that is delivered twice is appended once: no recent entry carries the same commit id. */
function checkAttempt(state: LogState, entry: Pick<LogEntry, "commitId">): Violation | undefined {
  const earlier = seqOfAttempt(state, entry.commitId);
  if (earlier === undefined) return undefined;
  const reason = `its commit id ${entry.commitId} was already used by log entry ${earlier}`;
  return violation("entry-attempt-is-new", "conflict", reason, [entry.commitId]);
}
