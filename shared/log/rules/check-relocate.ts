import { equalBytes } from "#shared/bytes/equal-bytes.ts";
import type { PackId } from "#shared/format/ids.ts";
import type { LogEvent } from "#shared/format/log-entry.ts";
import { packTableRowBytes, readPackTableRow } from "#shared/format/pack.ts";
import type { PackKind } from "#shared/format/segment.ts";
import type { LogState } from "#shared/log/log-state.ts";
import { countRows, rowsOf } from "#shared/log/resolve-row.ts";
import { type Violation, violation } from "#shared/log/violation.ts";
import { repeated } from "./check-named-packs.ts";
import { checkRules, type EventRules } from "./rule.ts";

/** A `relocate` event. */
export type RelocateEvent = Extract<LogEvent, { type: "relocate" }>;

/** What an appender must know, beyond the log, to relocate segments. */
export type RelocateFacts = {
  /** Kind and table of a pack that segments leave, from the state or relocation that added it; undefined: not known. */
  readonly packOf: (packId: PackId) => { readonly kind: PackKind; readonly table: Uint8Array } | undefined;
  /** Whether a new pack was seen durable and whole in the store. */
  readonly isWhole: (packId: PackId) => boolean;
};

/** The rules of a relocation. */
export const relocateRules: EventRules<RelocateEvent, RelocateFacts> = {
  fold: [
    { name: "relocation-names-each-once", check: checkNamed },
    { name: "relocated-packs-are-live", check: checkFromLive },
    { name: "placed-packs-are-new", check: checkToNew },
    { name: "relocated-rows-are-as-many", check: checkCounts },
  ],
  append: [
    { name: "relocated-segments-are-the-same", check: checkSegments },
    { name: "placed-packs-are-whole", check: checkWhole },
  ],
};

/**
 * The rules of a relocation, against the fold of everything before it.
 *
 * Fold-time: packs leave and packs come, none is named twice; each old one is neither condemned nor swept nor relocated
 * before; no new one was ever condemned, swept, relocated or placed; as many rows leave as come.
 * Append-time (with `facts`): each row that comes is the segment of the row that leaves, sealed the same, in a pack of the
 * same kind; the new packs are whole.
 *
 * It need not move everything that is needed: what stays behind is read in the old pack, which cannot be condemned then.
 *
 * @param facts - undefined: only the fold-time rules, as for published history
 */
export function checkRelocate(state: LogState, event: RelocateEvent, facts?: RelocateFacts): Violation | undefined {
  return checkRules(relocateRules, state, event, facts);
}

function checkNamed(_state: LogState, event: RelocateEvent): Violation | undefined {
  if (event.from.length === 0 || event.to.length === 0)
    return violation("relocation-names-each-once", "invalid", "it moves nothing");
  const twice = repeated([...event.from, ...event.to].map((each) => each.packId));
  if (twice === undefined) return undefined;
  return violation("relocation-names-each-once", "invalid", `pack ${twice} is named twice`, [twice]);
}

function checkFromLive(state: LogState, event: RelocateEvent): Violation | undefined {
  for (const { packId } of event.from) {
    const how = state.swept.has(packId)
      ? "swept"
      : state.condemned.has(packId)
        ? "condemned"
        : state.relocated.has(packId)
          ? "relocated already"
          : undefined;
    if (how !== undefined)
      return violation("relocated-packs-are-live", "conflict", `pack ${packId} is ${how}`, [packId]);
  }
  return undefined;
}

function checkToNew(state: LogState, event: RelocateEvent): Violation | undefined {
  for (const { packId } of event.to) {
    const how = state.swept.has(packId)
      ? "was swept"
      : state.condemned.has(packId)
        ? "is condemned"
        : state.relocated.has(packId) || state.placed.has(packId)
          ? "is not new"
          : undefined;
    if (how !== undefined) return violation("placed-packs-are-new", "conflict", `pack ${packId} ${how}`, [packId]);
  }
  return undefined;
}

function checkCounts(_state: LogState, event: RelocateEvent): Violation | undefined {
  const leave = event.from.reduce((sum, each) => sum + countRows(each.segments), 0);
  const come = event.to.reduce((sum, each) => sum + each.table.byteLength / packTableRowBytes, 0);
  if (leave === come) return undefined;
  return violation("relocated-rows-are-as-many", "invalid", `${leave} segments leave and ${come} come`);
}

function checkSegments(_state: LogState, event: RelocateEvent, facts: RelocateFacts): Violation | undefined {
  const coming = event.to.flatMap((pack) =>
    Array.from({ length: pack.table.byteLength / packTableRowBytes }, (_each, row) => ({ pack, row })),
  );
  let at = 0;
  for (const { packId, segments } of event.from) {
    const old = facts.packOf(packId);
    for (const row of rowsOf(segments)) {
      const next = coming[at++];
      const known = old !== undefined && row < old.table.byteLength / packTableRowBytes;
      if (known && next?.pack.kind === old.kind) {
        const [left, came] = [readPackTableRow(old.table, row), readPackTableRow(next.pack.table, next.row)];
        if (
          equalBytes(left.segmentId, came.segmentId) &&
          equalBytes(left.sessionId, came.sessionId) &&
          left.segmentBytes === came.segmentBytes &&
          left.directoryBytes === came.directoryBytes
        )
          continue;
      }
      const reason = `row ${row} of pack ${packId} is not the segment that is to take its place`;
      return violation("relocated-segments-are-the-same", "invalid", reason, [packId]);
    }
  }
  return undefined;
}

function checkWhole(_state: LogState, event: RelocateEvent, facts: RelocateFacts): Violation | undefined {
  const missing = event.to.map((each) => each.packId).filter((packId) => !facts.isWhole(packId));
  if (missing.length === 0) return undefined;
  const reason = `pack ${missing[0]} is not known to be whole in the store`;
  return violation("placed-packs-are-whole", "absent", reason, missing);
}
