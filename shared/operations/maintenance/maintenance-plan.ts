import type { PackId, StateId } from "#shared/format/ids.ts";
import type { PackIdList } from "#shared/log/pack-id-list.ts";

/** A number of objects and their bytes. */
export type Tally = { readonly count: number; readonly bytes: number };

/** What a maintenance would do, as plain data. Nothing relies on it being true still when it is executed. */
export type MaintenancePlan = {
  /** The log entry up to which the plan knows the store, and when it was made. */
  readonly seq: number;
  readonly plannedAtMs: number;
  /** The grace period in force, milliseconds. */
  readonly graceMs: number;
  /** Condemned packs that live snapshots need. */
  readonly revive: PackIdList;
  /** Packs that nothing needs any more, and orphans. */
  readonly condemn: PackIdList;
  /** Condemned packs whose grace period is over. */
  readonly sweep: PackIdList;
  /** States of removed snapshots of which nothing is left, and old ones that were never published. */
  readonly sweepStates: readonly StateId[];
  /** What was swept before and is still there, or there again. */
  readonly leftoverPacks: PackIdList;
  readonly leftoverStates: readonly StateId[];
  readonly figures: PlanFigures;
  /** Why nothing is condemned although it could be; undefined: nothing stands in the way. */
  readonly brake: Brake | undefined;
  /** Why entries of the log seem to be lost, a sentence: nothing is done while it seems so, unless by force. */
  readonly doubt: string | undefined;
  /** Live snapshots whose head cannot be read: while there is one, nothing is condemned, swept or deleted. */
  readonly unreadable: readonly { readonly stateId: StateId; readonly message: string }[];
  /** Removed snapshots whose head cannot be read: their states stay. */
  readonly unreadableRemoved: readonly { readonly stateId: StateId; readonly message: string }[];
};

/** What the brake found. */
export type Brake = {
  readonly condemnBytes: number;
  /** Bytes of all packs that are neither condemned nor swept. */
  readonly inUseBytes: number;
  /** The share that may be condemned in one run, 0 to 1. */
  readonly share: number;
};

/** The sums of a plan. */
export type PlanFigures = {
  /** All packs in the store. */
  readonly stored: Tally;
  /** Those that live snapshots need. */
  readonly needed: Tally;
  readonly revive: Tally;
  /** All that would be condemned, and how much of it is orphans. */
  readonly condemn: Tally;
  readonly orphans: Tally;
  readonly sweep: Tally;
  readonly sweepStates: Tally;
  readonly leftovers: Tally;
  /** Those of `sweepStates` that were never published. */
  readonly abandonedStates: Tally;
  /** Objects of another store: they stay. */
  readonly foreign: Tally;
  /** Condemned, and still within the grace period. */
  readonly waiting: Tally;
  /** When the first of them may be swept; undefined: nothing waits. */
  readonly nextSweepAtMs: number | undefined;
  /** In no published state, and too young to be given up, or kept by the brake. */
  readonly young: Tally;
  /** Needed packs that the store does not have, or that were swept against the rules. */
  readonly missing: number;
  /** The names of the first of them. */
  readonly missingPacks: readonly PackId[];
  /** Requests that the plan took. */
  readonly heads: number;
  readonly listedKeys: number;
};
