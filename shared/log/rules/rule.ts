import type { LogState } from "#shared/log/log-state.ts";
import type { RuleName, Violation } from "#shared/log/violation.ts";

/** One fold-time rule of an event: it needs the log alone, and every reader applies it. Pure. */
export type FoldRule<Event> = {
  readonly name: RuleName;
  readonly check: (state: LogState, event: Event) => Violation | undefined;
};

/** One append-time rule of an event: it needs facts from the store too, and an appender applies it before it writes. Pure. */
export type AppendRule<Event, Facts> = {
  readonly name: RuleName;
  readonly check: (state: LogState, event: Event, facts: Facts) => Violation | undefined;
};

/** All rules of one type of event, each list in the order in which they are applied. */
export type EventRules<Event, Facts = never> = {
  readonly fold: readonly FoldRule<Event>[];
  readonly append: readonly AppendRule<Event, Facts>[];
};

/**
 * Applies rules to an event, against the fold of everything before it: first the fold-time ones, then with `facts` the append-time ones.
 *
 * @param facts - undefined: only the fold-time rules, as for published history
 * @returns the first violation
 */
export function checkRules<Event, Facts>(
  rules: EventRules<Event, Facts>,
  state: LogState,
  event: Event,
  facts?: Facts,
): Violation | undefined {
  for (const rule of rules.fold) {
    const found = rule.check(state, event);
    if (found !== undefined) return found;
  }
  if (facts === undefined) return undefined;
  for (const rule of rules.append) {
    const found = rule.check(state, event, facts);
    if (found !== undefined) return found;
  }
  return undefined;
}
