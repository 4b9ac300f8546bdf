import type { PackId, StateId } from "#shared/format/ids.ts";
import type { LogState } from "#shared/log/log-state.ts";
import { PackIdList } from "#shared/log/pack-id-list.ts";
import { isLinkOfRepairs } from "#shared/log/repaired-commit-id.ts";
import { resolveRow } from "#shared/log/resolve-row.ts";
import { type MarkedPacks, noMarked } from "./look-at-marked.ts";
import type { LimitReached, MaintenancePlan, Tally } from "./maintenance-plan.ts";
import type { MaintenancePolicy } from "./maintenance-policy.ts";
import { packFlags } from "./pack-ledger.ts";
import { noStrays, type Strays } from "./look-at-strays.ts";
import type { Survey, UnpublishedState } from "./survey-store.ts";
import { ageOf, ageOfRemoval, clockToleranceMs, mayHaveJumped, type Witnesses } from "./witnesses.ts";

/** Packs of a kind that a plan names. */
const namedPacks = 20;

/** What a plan is made by, beside the survey. */
export type PlanFacts = {
  readonly policy: MaintenancePolicy;
  /** The clocks: they decide how early things go, and never what. */
  readonly witnesses: Witnesses;
  /** The limits only warn. */
  readonly force: boolean;
  /** The doubt only warns. */
  readonly acceptsLog: boolean;
  /** What was found out about objects of which nothing published tells. */
  readonly strays?: Strays;
  /** What a repair condemned. */
  readonly marked?: MarkedPacks;
  /** Why entries of the log seem to be lost. */
  readonly doubt?: string | undefined;
};

/**
 * What a maintenance would do about a store: pure, from a survey.
 *
 * Every decision is taken again when it is carried out, against the log as it is then: a plan may be old, or another maintainer's work.
 */
export function planMaintenance(survey: Survey, facts: PlanFacts): MaintenancePlan {
  const { policy, witnesses, force, strays = noStrays, marked = noMarked } = facts;
  const { state, packs, needed, unreadable } = survey;
  const graceMs = state.graceMs ?? policy.graceMs;
  const isDoubtful = facts.doubt !== undefined && !facts.acceptsLog;
  const hasJumped = mayHaveJumped(witnesses, graceMs);
  const isBlocked = unreadable.length > 0 || isDoubtful || hasJumped;
  const { isNeeded } = needed.facts(state);
  const { isNeeded: isHeld } = survey.held.facts(state);
  const lists = {
    revive: new PackIdList(),
    recondemn: new PackIdList(),
    recondemnDamaged: new PackIdList(),
    condemn: new PackIdList(),
    condemnMissing: new PackIdList(),
    sweep: new PackIdList(),
    leftover: new PackIdList(),
  };
  const sums = {
    stored: new Sum(),
    needed: new Sum(),
    inUse: new Sum(),
    revive: new Sum(),
    recondemn: new Sum(),
    condemn: new Sum(),
    orphans: new Sum(),
    sweep: new Sum(),
    sweepOrphans: new Sum(),
    leftovers: new Sum(),
    waiting: new Sum(),
    returned: new Sum(),
    held: new Sum(),
    unused: new Sum(),
    young: new Sum(),
    foreign: new Sum(),
  };
  const missing = new Names();
  const returned = new Names();
  let nextSweepAtMs = Number.POSITIVE_INFINITY;
  for (let row = 0; row < packs.size; row++) {
    const packId = packs.ids.idAt(row);
    const bytes = packs.sizeBytes(row);
    const isListed = packs.is(row, packFlags.listed);
    if (isListed) sums.stored.add(bytes);
    packs.mark(row, packFlags.sweeping, false);
    if (state.swept.has(packId)) {
      // Never so where all keep the rules; where somebody did not, the copy that is left may be the last.
      if (isNeeded(packId)) missing.add(packId);
      else if (isListed && !isBlocked) {
        lists.leftover.push(packId);
        sums.leftovers.add(bytes);
      }
      continue;
    }
    const condemned = state.condemned.get(packId);
    if (isNeeded(packId)) {
      sums.needed.add(bytes);
      if (!isListed) missing.add(packId);
      if (condemned === undefined) sums.inUse.add(bytes);
      else {
        lists.revive.push(packId);
        sums.revive.add(bytes);
      }
      continue;
    }
    const isUnused = !wasUsed(survey, row);
    // What a removed snapshot used is not known where its state cannot be read.
    const isFree = isUnused && survey.unreadableRemoved.length === 0;
    if (isFree && isListed) sums.unused.add(bytes);
    const isAgeless = isUnused && Number.isNaN(packs.modifiedMs(row));
    if (condemned !== undefined) {
      if (marked.returned.has(packId)) {
        sums.returned.add(bytes);
        returned.add(packId);
        continue;
      }
      if (marked.absent.has(packId)) continue;
      if (isHeld(packId) && !marked.damaged.has(packId)) {
        sums.held.add(bytes);
        continue;
      }
      const ageMs = ageOf(witnesses, condemned);
      if (ageMs < -clockToleranceMs && witnesses.agree && !isBlocked) {
        (marked.damaged.has(packId) ? lists.recondemnDamaged : lists.recondemn).push(packId);
        sums.recondemn.add(bytes);
        continue;
      }
      const waitMs = isAgeless ? Math.max(graceMs, policy.orphanAgeMs) : graceMs;
      if (ageMs >= waitMs && !isBlocked) {
        lists.sweep.push(packId);
        sums.sweep.add(bytes);
        if (isFree) sums.sweepOrphans.add(bytes);
        packs.mark(row, packFlags.sweeping);
      } else {
        sums.waiting.add(bytes);
        nextSweepAtMs = Math.min(nextSweepAtMs, witnesses.hostMs + Math.max(0, waitMs - ageMs));
      }
      continue;
    }
    if (strays.foreignPacks.has(packId)) {
      sums.foreign.add(bytes);
      continue;
    }
    if (!isFree) sums.inUse.add(bytes);
    if (isHeld(packId)) {
      sums.held.add(bytes);
      continue;
    }
    const isYoung = isUnused && witnesses.storeMs - packs.modifiedMs(row) < policy.orphanAgeMs;
    if (isYoung || strays.unreadPacks.has(packId)) {
      sums.young.add(bytes);
      continue;
    }
    if (isBlocked) continue;
    if (isFree) sums.orphans.add(bytes);
    (isListed ? lists.condemn : lists.condemnMissing).push(packId);
    sums.condemn.add(bytes);
  }
  const leftoverStates = isBlocked ? [] : survey.sweptStates;
  const share = force ? Number.POSITIVE_INFINITY : policy.limitShare;
  const condemnLimit = limitOf(sums.condemn.bytes - sums.orphans.bytes, sums.inUse.bytes, share);
  const deletedBytes = sums.sweep.bytes - sums.sweepOrphans.bytes + sums.leftovers.bytes;
  const deletionLimit = limitOf(deletedBytes, sums.stored.bytes - sums.unused.bytes, share);
  const isLimited = condemnLimit !== undefined || deletionLimit !== undefined;
  const states = statesToSweep(survey, { ...facts, graceMs, strays, isLimited });
  const keepsAll = isBlocked || deletionLimit !== undefined;
  const none = { count: 0, bytes: 0 };
  return {
    seq: state.seq,
    plannedAtMs: witnesses.hostMs,
    graceMs,
    revive: isDoubtful ? new PackIdList() : lists.revive,
    recondemn: lists.recondemn,
    recondemnDamaged: lists.recondemnDamaged,
    condemn: lists.condemn,
    condemnMissing: lists.condemnMissing,
    sweep: keepsAll ? new PackIdList() : lists.sweep,
    sweepStates: keepsAll ? [] : states.ids,
    leftoverPacks: keepsAll ? new PackIdList() : lists.leftover,
    leftoverStates: keepsAll ? [] : leftoverStates.map((each) => each.stateId),
    figures: {
      stored: sums.stored.tally(),
      needed: sums.needed.tally(),
      revive: sums.revive.tally(),
      recondemn: sums.recondemn.tally(),
      condemn: sums.condemn.tally(),
      orphans: sums.orphans.tally(),
      sweep: keepsAll ? none : sums.sweep.tally(),
      sweepStates: keepsAll ? none : states.sum.tally(),
      abandonedStates: keepsAll ? none : states.abandoned.tally(),
      foreign: sums.foreign.with(states.foreign).tally(),
      leftovers: keepsAll ? none : sums.leftovers.with(leftoverStates).tally(),
      waiting: sums.waiting.tally(),
      nextSweepAtMs: Number.isFinite(nextSweepAtMs) ? nextSweepAtMs : undefined,
      returned: sums.returned.tally(),
      returnedPacks: returned.first,
      held: sums.held.tally(),
      young: sums.young.with(states.young).tally(),
      missing: missing.count,
      missingPacks: missing.first,
      heads: survey.requests.gets,
      listedKeys: survey.requests.listedKeys,
    },
    condemnLimit,
    deletionLimit,
    doubt: facts.doubt,
    jumpMs: hasJumped ? witnesses.silentMs : undefined,
    unreadable: unreadable.map(({ stateId, error }) => ({ stateId, message: error.message })),
    unreadableRemoved: survey.unreadableRemoved.map(({ stateId, error }) => ({ stateId, message: error.message })),
  };
}

/**
 * Whether a snapshot ever referenced the pack of that row, live or removed, as far as states are left. What a backup uploaded and did not publish was not
 * used, nor what a later backup of the same host took over and then had no use for.
 */
export function wasUsed({ packs, needed }: Survey, row: number): boolean {
  return packs.is(row, packFlags.used) || needed.referencedRows(packs.ids.idAt(row)) !== undefined;
}

/**
 * Whether nothing is left of what a removed snapshot's state added: every segment resolves to a pack that is swept, or that `isGoing`.
 */
export function isStateEmpty(
  survey: Survey,
  state: LogState,
  stateId: StateId,
  isGoing: (packId: PackId, row: number) => boolean,
): boolean {
  const rows = survey.packsOfRemoved.get(stateId);
  if (rows === undefined) return false;
  const { packs } = survey;
  for (const row of rows) {
    const packId = packs.ids.idAt(row);
    if (!state.relocated.has(packId)) {
      if (!state.swept.has(packId) && !isGoing(packId, row)) return false;
      continue;
    }
    for (let segment = 0; segment < packs.segments(row); segment++) {
      const at = resolveRow(state, packId, segment).packId;
      if (!state.swept.has(at) && !isGoing(at, packs.ids.findId(at))) return false;
    }
  }
  return true;
}

function limitOf(goingBytes: number, ofBytes: number, share: number): LimitReached | undefined {
  return goingBytes > share * ofBytes ? { goingBytes, ofBytes, share } : undefined;
}

function statesToSweep(
  survey: Survey,
  options: Pick<PlanFacts, "policy" | "witnesses"> & {
    readonly graceMs: number;
    readonly strays: Strays;
    readonly isLimited: boolean;
  },
): {
  readonly ids: StateId[];
  readonly sum: Sum;
  readonly abandoned: Sum;
  readonly young: readonly UnpublishedState[];
  readonly foreign: readonly UnpublishedState[];
} {
  const { graceMs, witnesses, policy, strays, isLimited } = options;
  const { state, packs } = survey;
  const ids: StateId[] = [];
  const sum = new Sum();
  const isGoing = (_packId: PackId, row: number): boolean => row >= 0 && packs.is(row, packFlags.sweeping);
  for (const record of state.snapshots.values()) {
    const { stateId, removed, stateBytes } = record;
    // Whoever removed it may want it back for the grace period, also where it added nothing that could wait.
    if (removed === undefined || ageOfRemoval(witnesses, removed) < graceMs) continue;
    if (!isStateEmpty(survey, state, stateId, isGoing) || isLinkOfRepairs(state, record)) continue;
    ids.push(stateId);
    sum.add(stateBytes);
  }
  const abandoned = new Sum();
  const young = [];
  const foreign = [];
  // A sweep is final and nothing announces that of a state: it waits as long as a pack would, and a limit keeps it as it keeps packs.
  const waitMs = Math.max(graceMs, policy.orphanAgeMs);
  for (const each of survey.unpublished) {
    const { stateId, modifiedMs = Number.NaN, sizeBytes } = each;
    if (strays.foreignStates.has(stateId)) foreign.push(each);
    else if (isLimited || strays.unreadStates.has(stateId) || !(witnesses.storeMs - modifiedMs >= waitMs))
      young.push(each);
    else {
      ids.push(stateId);
      sum.add(sizeBytes);
      abandoned.add(sizeBytes);
    }
  }
  return { ids, sum, abandoned, young, foreign };
}

class Sum {
  count = 0;
  bytes = 0;

  add(bytes: number): void {
    this.count++;
    this.bytes += bytes;
  }

  with(objects: readonly { readonly sizeBytes: number }[]): Sum {
    for (const { sizeBytes } of objects) this.add(sizeBytes);
    return this;
  }

  tally(): Tally {
    return { count: this.count, bytes: this.bytes };
  }
}

/** A number of packs, and the names of the first. */
class Names {
  count = 0;
  readonly first: PackId[] = [];

  add(packId: PackId): void {
    if (++this.count <= namedPacks) this.first.push(packId);
  }
}
