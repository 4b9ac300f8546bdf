import type { PackId, StateId } from "#shared/format/ids.ts";
import type { LogEvent } from "#shared/format/log-entry.ts";
import type { LogState } from "#shared/log/log-state.ts";
import { type Violation, violation } from "#shared/log/violation.ts";
import { checkNamedPacks } from "./check-named-packs.ts";
import { checkRules, type EventRules } from "./rule.ts";

/** A `condemn` event. */
export type CondemnEvent = Extract<LogEvent, { type: "condemn" }>;

/** What an appender must know, beyond the log, to condemn packs. `NeededPacks` gives it. */
export type NeedFacts = {
  /** The relocations of the fold that `isNeeded` was computed with. */
  readonly relocated: LogState["relocated"];
  /** Whether the references of this snapshot, from the head of its state, are among those that `isNeeded` counts. */
  readonly covers: (stateId: StateId) => boolean;
  /** Whether a segment that one of those snapshots references is to be read in this pack. */
  readonly isNeeded: (packId: PackId) => boolean;
};

/** The rules of a condemnation. */
export const condemnRules: EventRules<CondemnEvent, NeedFacts> = {
  fold: [
    { name: "packs-are-named-once", check: (_state, event) => checkNamedPacks(event.packs) },
    { name: "condemned-packs-are-live", check: checkLive },
  ],
  append: [
    { name: "live-snapshots-are-known", check: checkKnown },
    { name: "condemned-packs-are-unneeded", check: checkUnneeded },
  ],
};

/**
 * The rules of a condemnation, against the fold of everything before it.
 *
 * Fold-time: it names at least one pack, none twice, each neither condemned nor swept.
 * Append-time (with `facts`): the references of every snapshot that is live in this very fold are known, under its relocations; no
 * live snapshot needs one of the packs. Packs of no state at all (orphans) are unneeded like others.
 *
 * @param facts - undefined: only the fold-time rules, as for published history
 */
export function checkCondemn(state: LogState, event: CondemnEvent, facts?: NeedFacts): Violation | undefined {
  return checkRules(condemnRules, state, event, facts);
}

function checkLive(state: LogState, event: CondemnEvent): Violation | undefined {
  const dead = event.packs.filter((packId) => state.condemned.has(packId) || state.swept.has(packId));
  if (dead.length === 0) return undefined;
  const [first] = dead;
  const how = first !== undefined && state.swept.has(first) ? "swept" : "condemned already";
  return violation("condemned-packs-are-live", "conflict", `pack ${first} is ${how}`, dead);
}

function checkKnown(state: LogState, _event: CondemnEvent, facts: NeedFacts): Violation | undefined {
  if (facts.relocated !== state.relocated) {
    const reason = "segments were relocated since the references of the snapshots were looked at";
    return violation("live-snapshots-are-known", "conflict", reason);
  }
  const unknown: StateId[] = [];
  for (const { stateId, removed } of state.snapshots.values())
    if (removed === undefined && !facts.covers(stateId)) unknown.push(stateId);
  if (unknown.length === 0) return undefined;
  const reason = `snapshot ${unknown[0]} was published since the references of the snapshots were looked at`;
  return violation("live-snapshots-are-known", "conflict", reason, unknown);
}

function checkUnneeded(_state: LogState, event: CondemnEvent, facts: NeedFacts): Violation | undefined {
  const needed = event.packs.filter((packId) => facts.isNeeded(packId));
  if (needed.length === 0) return undefined;
  return violation("condemned-packs-are-unneeded", "conflict", `a live snapshot needs pack ${needed[0]}`, needed);
}
