import type { CommitId } from "#shared/format/ids.ts";
import { withAttempt } from "#shared/log/fold-entry.ts";
import { emptyLogState, type LogState, seqOfAttempt } from "#shared/log/log-state.ts";
import { type LogRules, logRules } from "#shared/log/rules/log-rules.ts";
import { type Exploration, explore, type Step } from "./explore.ts";
import { modelStoreId, namedId } from "./model-store.ts";

/** Where one appender stands. Its attempt id is kept across crashes; nothing else is. */
type Appender =
  | { readonly at: "idle" }
  /** Has folded the first `seq` entries. */
  | { readonly at: "folded"; readonly seq: number }
  /** Has put its entry at number `seq` at least once, and does not know what came of it. */
  | { readonly at: "sent"; readonly seq: number }
  /** Says that its entry is number `seq`. */
  | { readonly at: "done"; readonly seq: number };

type AppendState = {
  /** Whose entry each number holds. */
  readonly log: readonly number[];
  readonly appenders: readonly Appender[];
  /** Appenders whose put at the next number is on its way, perhaps a second time, perhaps for ever. */
  readonly underway: readonly number[];
  readonly crashes: number;
};

/** Faults against which something stands. */
export type AppendFaults = {
  /** Appenders that do not look for their own entry in what they fold. */
  readonly forgetful?: boolean;
  /** A store whose put replaces what is there. */
  readonly overwrites?: boolean;
};

/**
 * How one entry gets to be in the log exactly once: the procedure of `appendEntry` and `placeEntry` over a store that gives each number
 * to one put, whose replies get lost, whose puts arrive late or twice, and whose clients crash and begin again with the same attempt id.
 *
 * Broken: an attempt that is in the log twice (every reader would refuse the log), a success that is not in the log, an appender that
 * cannot succeed any more by itself.
 */
export function exploreAppends(options: {
  readonly appenders: number;
  readonly crashes: number;
  readonly rules?: LogRules;
  readonly faults?: AppendFaults;
}): Exploration {
  const { appenders, crashes, rules = logRules, faults = {} } = options;
  return explore<AppendState>({
    initial: { log: [], appenders: Array.from({ length: appenders }, () => ({ at: "idle" })), underway: [], crashes },
    key: (state) => JSON.stringify(state),
    steps: (state) => appendSteps(state, rules, faults),
    broken: (state) => brokenAppend(state, rules, faults),
  });
}

function attemptOf(appender: number): CommitId {
  return namedId("commit", `appender ${appender}`);
}

function fold(log: readonly number[]): LogState {
  const empty = emptyLogState(modelStoreId);
  const attempts = log.reduce(
    (all, appender, index) => withAttempt(all, index + 1, attemptOf(appender)),
    empty.attempts,
  );
  return { ...empty, seq: log.length, attempts };
}

function* appendSteps(
  state: AppendState,
  rules: LogRules,
  faults: AppendFaults,
): Generator<Step<AppendState>, void, undefined> {
  for (const who of state.underway) {
    if (state.log.length < maxEntries(state))
      yield { label: `the put of ${who} arrives`, state: { ...state, log: [...state.log, who], underway: [] } };
  }
  for (const [who, appender] of state.appenders.entries()) {
    for (const next of movesOf(state, who, rules, faults)) yield next;
    if (state.crashes > 0 && appender.at !== "done" && appender.at !== "idle") {
      const after = withAppender(state, who, { at: "idle" });
      yield { label: `${who} crashes`, state: { ...after, crashes: state.crashes - 1 } };
    }
    if (faults.overwrites === true && appender.at === "sent" && appender.seq <= state.log.length)
      yield {
        label: `the late put of ${who} replaces`,
        state: { ...state, log: state.log.with(appender.seq - 1, who) },
      };
  }
}

/** What one appender can do by itself. */
function movesOf(state: AppendState, who: number, rules: LogRules, faults: AppendFaults): Step<AppendState>[] {
  const appender = state.appenders[who];
  if (appender === undefined || appender.at === "done") return [];
  const at = (next: Appender): AppendState => withAppender(state, who, next);
  if (appender.at === "idle") return [{ label: `${who} folds`, state: at({ at: "folded", seq: state.log.length }) }];
  if (appender.at === "folded") {
    const folded = fold(state.log.slice(0, appender.seq));
    const landed = faults.forgetful === true ? undefined : seqOfAttempt(folded, attemptOf(who));
    if (landed !== undefined) return [{ label: `${who} finds itself`, state: at({ at: "done", seq: landed }) }];
    const entry = { commitId: attemptOf(who), events: [{ type: "settings", graceMs: 0 }] } as const;
    if (rules.entry.some((rule) => rule.check(folded, entry) !== undefined))
      return [{ label: `${who} is refused`, state: at({ at: "idle" }) }];
    const sent = at({ at: "sent", seq: appender.seq + 1 });
    const underway = state.log.length === appender.seq ? [...new Set([...state.underway, who])].sort() : state.underway;
    return [{ label: `${who} puts`, state: { ...sent, underway } }];
  }
  if (state.log.length < appender.seq) return []; // Nothing is there: it puts the same bytes again, which changes nothing.
  const winner = state.log[appender.seq - 1];
  // A reply that says so, or none and a look at the number: both tell who holds it.
  return winner === who && faults.forgetful !== true
    ? [{ label: `${who} sees that it won`, state: at({ at: "done", seq: appender.seq }) }]
    : [{ label: `${who} sees that ${winner} won`, state: at({ at: "folded", seq: appender.seq }) }];
}

/** Each appender appends once, so a log that is longer than there are appenders is broken already. */
function maxEntries(state: AppendState): number {
  return state.appenders.length + 1;
}

function withAppender(state: AppendState, who: number, next: Appender): AppendState {
  return { ...state, appenders: state.appenders.with(who, next) };
}

function brokenAppend(state: AppendState, rules: LogRules, faults: AppendFaults): string | undefined {
  for (const [who, appender] of state.appenders.entries()) {
    const entries = state.log.filter((each) => each === who).length;
    if (entries > 1) return `the attempt of ${who} is in the log ${entries} times`;
    if (appender.at === "done" && state.log[appender.seq - 1] !== who)
      return `${who} says that it is entry ${appender.seq}, and it is not`;
    if (faults.forgetful !== true && !finishesAlone(state, who, rules, faults)) return `${who} cannot finish by itself`;
  }
  return undefined;
}

/** From here one appender alone, whose puts now arrive, gets to its end. */
function finishesAlone(state: AppendState, who: number, rules: LogRules, faults: AppendFaults): boolean {
  let now = state;
  for (let moves = 0; moves < 8; moves++) {
    const appender = now.appenders[who];
    if (appender?.at === "done") return true;
    const [move] = movesOf(now, who, rules, faults);
    if (move !== undefined && "state" in move) now = move.state;
    else if (now.underway.includes(who)) now = { ...now, log: [...now.log, who], underway: [] };
    else return false;
  }
  return false;
}
