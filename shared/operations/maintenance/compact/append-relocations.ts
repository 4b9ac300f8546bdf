import { HoldfastError } from "#shared/errors.ts";
import type { PackId } from "#shared/format/ids.ts";
import type { LogEvent } from "#shared/format/log-entry.ts";
import type { StatePack } from "#shared/format/state.ts";
import { appendEntry, type Appender } from "#shared/log/append-entry.ts";
import { applyEvent } from "#shared/log/apply-event.ts";
import type { LogState } from "#shared/log/log-state.ts";
import { readLog } from "#shared/log/read-log.ts";
import { checkCondemn } from "#shared/log/rules/check-condemn.ts";
import { checkRelocate, type RelocateEvent } from "#shared/log/rules/check-relocate.ts";
import { violationError } from "#shared/log/violation.ts";
import type { PackToCompact } from "./compaction-plan.ts";
import type { PackCensus } from "./pack-census.ts";
import { coverLiveSnapshots, uncoveredSnapshots } from "./read-pack-census.ts";

/** Packs whose marked rows were copied into one new pack, which is in the store, whole. */
export type CopiedGroup = {
  /** The old packs and their tables. */
  readonly from: readonly { readonly pack: PackToCompact; readonly table: Uint8Array }[];
  readonly to: StatePack;
};

/** What the log came to say. */
export type AppendedRelocations = {
  /** The groups that were relocated; the new packs of the others are orphans. */
  readonly relocated: readonly CopiedGroup[];
  /** Of their old packs, those that were condemned. */
  readonly condemned: ReadonlySet<PackId>;
  readonly log: LogState;
};

/** So often the snapshots are looked at again because another one came just then; after that, nothing is condemned. */
const looksMax = 8;

/**
 * Appends one entry that relocates the segments of copied groups and condemns the old packs that no live snapshot needs then.
 *
 * A group is left out when one of its old packs was condemned, swept or relocated meanwhile, when its new pack was taken for an orphan
 * and condemned, or when a snapshot that came meanwhile needs a segment of an old pack that was not copied: a pack can
 * be relocated once only, and would be kept for that segment alone.
 *
 * @param options.census - snapshots that came since are added to it
 * @throws {HoldfastError} as `appendEntry`; absent, corrupt: the state of a live snapshot could not be read
 */
export async function appendRelocations(
  appender: Appender,
  options: { readonly groups: readonly CopiedGroup[]; readonly census: PackCensus },
): Promise<AppendedRelocations> {
  const { groups, census } = options;
  const { store, signal } = appender;
  const stoppable = signal === undefined ? {} : { signal };
  let log = appender.from;
  for (let looks = 1; ; looks++) {
    log = await readLog({ store, from: log, ...stoppable });
    await coverLiveSnapshots(census, { store, log, ...stoppable });
    let decision: Decision = { relocated: [], condemned: [], events: [] };
    let mustLook = false;
    const { appended, state } = await appendEntry({ ...appender, from: log }, (newest) => {
      const knowsAll = uncoveredSnapshots(census, newest).length === 0;
      mustLook = !knowsAll && looks < looksMax;
      decision = mustLook ? { relocated: [], condemned: [], events: [] } : decide(newest, groups, census, knowsAll);
      return decision.events;
    });
    log = state;
    if (mustLook) continue;
    const { relocated, condemned } = appended ? decision : { relocated: [], condemned: [] };
    return { relocated, condemned: new Set(condemned), log };
  }
}

type Decision = {
  readonly relocated: readonly CopiedGroup[];
  readonly condemned: readonly PackId[];
  readonly events: readonly LogEvent[];
};

/** What to append after `state`: judged by the rules of the log, event after event. */
function decide(state: LogState, groups: readonly CopiedGroup[], census: PackCensus, knowsAll: boolean): Decision {
  const moment = { seq: state.seq + 1, timeMs: 0 };
  const events: LogEvent[] = [];
  const relocated: CopiedGroup[] = [];
  let next = state;
  for (const group of groups) {
    if (group.from.some(({ pack }) => hasOthers(pack, census.liveRows(state, pack.packId)))) continue;
    const event: RelocateEvent = {
      type: "relocate",
      from: group.from.map(({ pack }) => ({ packId: pack.packId, segments: pack.rows })),
      to: [group.to],
    };
    const tables = new Map(group.from.map(({ pack, table }) => [pack.packId, { kind: pack.kind, table }]));
    const found = checkRelocate(next, event, {
      packOf: (packId) => tables.get(packId),
      isWhole: (packId) => packId === group.to.packId,
    });
    if (found?.kind === "conflict") continue;
    if (found !== undefined) throw violationError("Cannot relocate segments", found);
    next = afterEvent(next, event, moment);
    events.push(event);
    relocated.push(group);
  }
  const condemned = knowsAll ? relocated.flatMap((group) => group.from.map(({ pack }) => pack.packId)) : [];
  if (condemned.length > 0) {
    const event = { type: "condemn", packs: condemned } as const;
    const moved = new Map(relocated.flatMap((group) => group.from.map(({ pack }) => [pack.packId, pack])));
    const found = checkCondemn(next, event, {
      relocated: next.relocated,
      covers: (stateId) => census.covers(stateId),
      isNeeded: (packId) => {
        const pack = moved.get(packId); // what is live of it after the relocation is what was before, less the rows that moved
        return pack === undefined || hasOthers(pack, census.liveRows(state, packId));
      },
    });
    if (found !== undefined) throw violationError("Cannot condemn packs", found);
    events.push(event);
  }
  return { relocated, condemned, events };
}

/** Whether rows are live that are not copied. */
function hasOthers(pack: PackToCompact, liveRows: Uint8Array): boolean {
  return liveRows.some((bits, byte) => (bits & ~(pack.rows[byte] ?? 0)) !== 0);
}

function afterEvent(state: LogState, event: LogEvent, moment: { seq: number; timeMs: number }): LogState {
  const applied = applyEvent(state, event, moment);
  if ("state" in applied) return applied.state;
  throw new HoldfastError("internal", `Cannot relocate segments: ${applied.violation.reason}`);
}
