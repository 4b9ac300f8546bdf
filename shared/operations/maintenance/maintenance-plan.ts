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
  /** Condemned packs whose condemnation has a time in the future: they are condemned anew. */
  readonly recondemn: PackIdList;
  /** Those of them that a repair found damaged, which their new condemnation says again. */
  readonly recondemnDamaged: PackIdList;
  /** Packs that nothing needs any more, and orphans. */
  readonly condemn: PackIdList;
  /** Those that are not in the store, such as on a branch that is not mounted: their condemnation says so, and they are not swept. */
  readonly condemnMissing: PackIdList;
  /** Condemned packs whose grace period is over. */
  readonly sweep: PackIdList;
  /** States of removed snapshots of which nothing is left, and old ones that were never published. */
  readonly sweepStates: readonly StateId[];
  /** What was swept before and is still there, or there again. */
  readonly leftoverPacks: PackIdList;
  readonly leftoverStates: readonly StateId[];
  readonly figures: PlanFigures;
  /** Why nothing is condemned although it could be; undefined: nothing stands in the way. */
  readonly condemnLimit: LimitReached | undefined;
  /** Why nothing is swept and deleted although it could be; undefined: nothing stands in the way. */
  readonly deletionLimit: LimitReached | undefined;
  /** Why entries of the log seem to be lost, a sentence: nothing is done while it seems so, unless a person has accepted it. */
  readonly doubt: string | undefined;
  /** The log was silent for so long, milliseconds, that this machine's clock may have jumped: nothing is done but to note the time. */
  readonly jumpMs: number | undefined;
  /** Live snapshots whose head cannot be read: while there is one, nothing is condemned, swept or deleted. */
  readonly unreadable: readonly { readonly stateId: StateId; readonly message: string }[];
  /** Removed snapshots whose head cannot be read: their states stay. */
  readonly unreadableRemoved: readonly { readonly stateId: StateId; readonly message: string }[];
};

/** What a plan would take away at once, and of how much. What no snapshot ever used counts in neither. */
export type LimitReached = {
  readonly goingBytes: number;
  readonly ofBytes: number;
  /** The share that may go in one run, 0 to 1. */
  readonly share: number;
};

/** The sums of a plan. */
export type PlanFigures = {
  /** All packs in the store. */
  readonly stored: Tally;
  /** Those that live snapshots need. */
  readonly needed: Tally;
  readonly revive: Tally;
  readonly recondemn: Tally;
  /** All that would be condemned, and how much of it no snapshot ever used. */
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
  /** Condemned by a repair that found them missing or damaged, and whole now: they stay, and another repair gives them back. */
  readonly returned: Tally;
  /** The names of the first of them. */
  readonly returnedPacks: readonly PackId[];
  /** Needed by no live snapshot, and kept for damaged ones that a repair replaced: should what they lost come back, they can be whole again. */
  readonly held: Tally;
  /** Used by no snapshot ever, and too young to be given up. */
  readonly young: Tally;
  /** Needed packs that the store does not have, or that were swept against the rules. */
  readonly missing: number;
  /** The names of the first of them. */
  readonly missingPacks: readonly PackId[];
  /** Requests that the plan took. */
  readonly heads: number;
  readonly listedKeys: number;
};
