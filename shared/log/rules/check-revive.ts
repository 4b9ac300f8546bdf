import type { LogEvent } from "#shared/format/log-entry.ts";
import type { LogState } from "#shared/log/log-state.ts";
import type { Violation } from "#shared/log/violation.ts";
import { checkNamedPacks, checkRevived } from "./check-named-packs.ts";
import { checkRules, type EventRules } from "./rule.ts";

/** A `revive` event. */
export type ReviveEvent = Extract<LogEvent, { type: "revive" }>;

/** The rules of a revival. */
export const reviveRules: EventRules<ReviveEvent> = {
  fold: [
    { name: "packs-are-named-once", check: (_state, event) => checkNamedPacks(event.packs) },
    { name: "revived-packs-are-condemned", check: (state, event) => checkRevived(state, event.packs) },
  ],
  append: [],
};

/** The rules of a revival, all fold-time: it names at least one pack, none twice, each condemned. What is not swept yet is still there. */
export function checkRevive(state: LogState, event: ReviveEvent): Violation | undefined {
  return checkRules(reviveRules, state, event);
}
