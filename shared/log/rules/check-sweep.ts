import type { LogMoment } from "#shared/format/checkpoint.ts";
import type { StateId } from "#shared/format/ids.ts";
import type { LogEvent } from "#shared/format/log-entry.ts";
import { packTableRowBytes } from "#shared/format/pack.ts";
import type { StatePack } from "#shared/format/state.ts";
import type { LogState } from "#shared/log/log-state.ts";
import { resolveRow } from "#shared/log/resolve-row.ts";
import { type Violation, violation } from "#shared/log/violation.ts";
import { repeated } from "./check-named-packs.ts";
import { checkRules, type EventRules } from "./rule.ts";

/** A `sweep` event. */
export type SweepEvent = Extract<LogEvent, { type: "sweep" }>;

/** What an appender must know, beyond the log, to sweep. */
export type SweepFacts = {
  /** The grace period in force: `settings` of the fold, else `config`. Milliseconds. */
  readonly graceMs: number;
  /** The time that the entry will carry. */
  readonly timeMs: number;
  /** How long ago the entry of that moment was written, by the store's clock, milliseconds; undefined: the store tells no times. */
  readonly storeAgeMs: (moment: LogMoment) => number | undefined;
  /** The packs that a published state adds, from its head. */
  readonly packsOf: (stateId: StateId) => Iterable<Pick<StatePack, "packId" | "table">>;
};

/** The rules of a sweep. */
export const sweepRules: EventRules<SweepEvent, SweepFacts> = {
  fold: [
    { name: "sweep-names-each-once", check: checkNamed },
    { name: "swept-packs-are-condemned", check: checkCondemned },
    { name: "swept-states-are-hidden", check: checkHidden },
  ],
  append: [
    { name: "sweep-waits-for-grace", check: checkGrace },
    { name: "swept-states-are-empty", check: checkEmpty },
  ],
};

/**
 * The rules of a sweep, against the fold of everything before it.
 *
 * Fold-time: it names a pack or a state, none twice; each pack is condemned; each state is removed or was never published, and was not
 * swept before.
 * Append-time (with `facts`): each pack was condemned at least the grace period ago, by the times of the two entries and by the store's clock
 * where it has one; nothing that a published state added is left: all its segments are in packs that are swept, by this event at the latest.
 *
 * Safety rests on the fold-time rules alone. By clocks that lie, both of them, the grace period gets shorter or longer, and nothing else.
 *
 * @param facts - undefined: only the fold-time rules, as for published history
 */
export function checkSweep(state: LogState, event: SweepEvent, facts?: SweepFacts): Violation | undefined {
  return checkRules(sweepRules, state, event, facts);
}

function checkNamed(_state: LogState, event: SweepEvent): Violation | undefined {
  if (event.packs.length === 0 && event.states.length === 0)
    return violation("sweep-names-each-once", "invalid", "it names no pack and no state");
  const twice = repeated(event.packs) ?? repeated(event.states);
  if (twice === undefined) return undefined;
  return violation("sweep-names-each-once", "invalid", `${twice} is named twice`, [twice]);
}

function checkCondemned(state: LogState, event: SweepEvent): Violation | undefined {
  const others = event.packs.filter((packId) => !state.condemned.has(packId));
  if (others.length === 0) return undefined;
  return violation("swept-packs-are-condemned", "conflict", `pack ${others[0]} is not condemned`, others);
}

function checkHidden(state: LogState, event: SweepEvent): Violation | undefined {
  for (const stateId of event.states) {
    const record = state.snapshots.get(stateId);
    const live = record !== undefined && record.removed === undefined;
    if (!live && !state.sweptStates.has(stateId)) continue;
    const reason = live ? `snapshot ${stateId} is not removed` : `state ${stateId} was swept already`;
    return violation("swept-states-are-hidden", "conflict", reason, [stateId]);
  }
  return undefined;
}

function checkGrace(state: LogState, event: SweepEvent, facts: SweepFacts): Violation | undefined {
  const early = event.packs.filter((packId) => {
    const condemned = state.condemned.get(packId);
    if (condemned === undefined) return false;
    const storeAgeMs = facts.storeAgeMs(condemned) ?? Number.POSITIVE_INFINITY;
    return Math.min(facts.timeMs - condemned.timeMs, storeAgeMs) < facts.graceMs;
  });
  if (early.length === 0) return undefined;
  const reason = `pack ${early[0]} was condemned less than ${facts.graceMs} ms ago`;
  return violation("sweep-waits-for-grace", "conflict", reason, early);
}

function checkEmpty(state: LogState, event: SweepEvent, facts: SweepFacts): Violation | undefined {
  const now = new Set(event.packs);
  for (const stateId of event.states) {
    if (!state.snapshots.has(stateId)) continue;
    for (const { packId, table } of facts.packsOf(stateId)) {
      // Where nothing was moved out of a pack, one row stands for all.
      const rows = table.byteLength / packTableRowBytes;
      for (let row = 0; row < (state.relocated.has(packId) ? rows : Math.min(1, rows)); row++) {
        const at = resolveRow(state, packId, row).packId;
        if (state.swept.has(at) || now.has(at)) continue;
        const reason = `pack ${at} still holds what state ${stateId} added`;
        return violation("swept-states-are-empty", "conflict", reason, [stateId]);
      }
    }
  }
  return undefined;
}
