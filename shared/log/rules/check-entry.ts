import type { LogEntry } from "#shared/format/log-entry.ts";
import { type LogState, seqOfAttempt } from "#shared/log/log-state.ts";
import { type Violation, violation } from "#shared/log/violation.ts";

/**
 * The rules of an entry as a whole, beside its place in the chain; all fold-time: it has events, and no recent entry
 * carries its commit id (so that an attempt that is delivered twice is appended once).
 */
export function checkEntry(state: LogState, entry: Pick<LogEntry, "commitId" | "events">): Violation | undefined {
  if (entry.events.length === 0) return violation("entry-has-events", "invalid", "it has no events");
  const earlier = seqOfAttempt(state, entry.commitId);
  if (earlier === undefined) return undefined;
  const reason = `its commit id ${entry.commitId} was already used by log entry ${earlier}`;
  return violation("entry-attempt-is-new", "conflict", reason, [entry.commitId]);
}
