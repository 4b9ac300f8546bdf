import { equalBytes } from "#shared/bytes/equal-bytes.ts";
import { encodeHex } from "#shared/bytes/hex.ts";
import { HoldfastError } from "#shared/errors.ts";
import type { CommitId } from "#shared/format/ids.ts";
import type { LogEntry } from "#shared/format/log-entry.ts";
import { logKey } from "#shared/store/object-key.ts";
import { applyEvent } from "./apply-event.ts";
import { IdMap } from "./id-map.ts";
import { attemptRun, type LogState, type RecentAttempts } from "./log-state.ts";
import { type LogRules, logRules } from "./rules/log-rules.ts";
import type { Violation } from "./violation.ts";

/** A log entry and SHA-256 of the bytes that it was decoded from. */
export type StoredEntry = { readonly entry: LogEntry; readonly sha256: Uint8Array };

/** What came of judging an entry: the next state, or the event that the rules forbid (-1: the entry as a whole). */
export type Judgement =
  | { readonly state: LogState }
  | { readonly violation: Violation; readonly event: number; readonly type: string };

/**
 * The state after one more entry. Pure: the same state and entry give the same result for everyone.
 *
 * It applies the fold-time rules only, which need nothing but the log; those which need the heads of states were applied by the
 * appender, before the entry was written. So published history folds without reading any state.
 *
 * @throws {HoldfastError} corrupt: another store, a wrong number, a hash that is not that of the entry before (the log was
 *   rewritten, or two logs were mixed), or an event that the rules forbid; `detail` names key, event and rule
 * @throws {HoldfastError} incompatible: an event of a newer version
 * @see FORMAT.md, The fold
 */
export function foldEntry(state: LogState, stored: StoredEntry): LogState {
  checkPlace(state, stored.entry);
  const judgement = judgeEntry(state, stored);
  if ("state" in judgement) return judgement.state;
  const { violation, event, type } = judgement;
  const part = event < 0 ? "" : `, event ${event} (${type})`;
  const key = logKey(stored.entry.seq);
  throw new HoldfastError("corrupt", `Cannot fold log entry ${stored.entry.seq}${part}: ${violation.reason}`, {
    detail: { key, seq: stored.entry.seq, event, rule: violation.rule, ids: violation.ids },
    hint: "Run check: this entry should never have been written.",
  });
}

/**
 * The fold-time rules of an entry that stands in its place: events are judged in order, each after the ones before it.
 *
 * @param rules - the rules of the log; others only to see what comes of them
 */
export function judgeEntry(state: LogState, stored: StoredEntry, rules: LogRules = logRules): Judgement {
  const { entry, sha256 } = stored;
  for (const rule of rules.entry) {
    const unfit = rule.check(state, entry);
    if (unfit !== undefined) return { violation: unfit, event: -1, type: "" };
  }
  const moment = { seq: entry.seq, timeMs: entry.timeMs };
  let next = state;
  for (const [index, event] of entry.events.entries()) {
    const applied = applyEvent(next, event, moment, rules);
    if ("violation" in applied) return { violation: applied.violation, event: index, type: event.type };
    next = applied.state;
  }
  const attempts = withAttempt(state.attempts, entry.seq, entry.commitId);
  return { state: { ...next, seq: entry.seq, lastSha256: sha256, attempts } };
}

/** The recent attempts with that of entry `seq`; the first entry of a run turns the generations. */
export function withAttempt(attempts: RecentAttempts, seq: number, commitId: CommitId): RecentAttempts {
  const turns = seq > 1 && (seq - 1) % attemptRun === 0;
  return {
    older: turns ? attempts.newer : attempts.older,
    newer: (turns ? IdMap.empty<CommitId, number>() : attempts.newer).with(commitId, seq),
  };
}

function checkPlace(state: LogState, entry: LogEntry): void {
  const expected = state.seq + 1;
  const fail = (reason: string, hint: string): never => {
    throw new HoldfastError("corrupt", `Cannot fold ${logKey(expected)}: ${reason}`, {
      detail: { key: logKey(expected), seq: expected },
      hint,
    });
  };
  if (entry.storeId !== state.storeId)
    fail(`it belongs to store ${entry.storeId}, not to ${state.storeId}`, "Find out who mixed two stores.");
  if (entry.seq !== expected) fail(`it says that it is entry ${entry.seq}`, "Find out who renamed log entries.");
  if (!equalBytes(entry.prev, state.lastSha256)) {
    fail(
      `it follows an entry with hash ${encodeHex(entry.prev)}, and entry ${state.seq} has hash ${encodeHex(state.lastSha256)}`,
      "The log was rewritten, or two copies of the store went different ways: find out which one is the true one.",
    );
  }
}
