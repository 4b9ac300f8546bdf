import type { PackId, StateId } from "#shared/format/ids.ts";
import type { LogState } from "#shared/log/log-state.ts";
import { PackIdList } from "#shared/log/pack-id-list.ts";
import { resolveRow } from "#shared/log/resolve-row.ts";
import type { MaintenancePlan, Tally } from "./maintenance-plan.ts";
import type { MaintenancePolicy } from "./maintenance-policy.ts";
import { packFlags } from "./pack-ledger.ts";
import { noStrays, type Strays } from "./look-at-strays.ts";
import type { Survey, UnpublishedState } from "./survey-store.ts";

/** Missing packs that a plan names. */
const namedMissing = 20;

/**
 * What a maintenance would do about a store: pure, from a survey.
 *
 * Every decision is taken again when it is carried out, against the log as it is then: a plan may be old, or another maintainer's work.
 *
 * @param nowMs - this machine's clock: it decides how early things go, and never what
 * @param force - the brake and the doubt only warn
 * @param strays - what was found out about objects of which nothing published tells
 * @param doubt - why entries of the log seem to be lost
 */
export function planMaintenance(
  survey: Survey,
  options: {
    readonly policy: MaintenancePolicy;
    readonly nowMs: number;
    readonly force: boolean;
    readonly strays?: Strays;
    readonly doubt?: string | undefined;
  },
): MaintenancePlan {
  const { policy, nowMs, force, strays = noStrays } = options;
  const { state, packs, needed, unreadable } = survey;
  const graceMs = state.graceMs ?? policy.graceMs;
  const isDoubtful = options.doubt !== undefined && !force;
  const isBlocked = unreadable.length > 0 || isDoubtful;
  const { isNeeded } = needed.facts(state);
  const lists = {
    revive: new PackIdList(),
    condemn: new PackIdList(),
    sweep: new PackIdList(),
    leftover: new PackIdList(),
  };
  const sums = {
    stored: new Sum(),
    needed: new Sum(),
    inUse: new Sum(),
    revive: new Sum(),
    condemn: new Sum(),
    orphans: new Sum(),
    sweep: new Sum(),
    leftovers: new Sum(),
    waiting: new Sum(),
    young: new Sum(),
    foreign: new Sum(),
  };
  const missingPacks: PackId[] = [];
  let missing = 0;
  let nextSweepAtMs = Number.POSITIVE_INFINITY;
  for (let row = 0; row < packs.size; row++) {
    const packId = packs.ids.idAt(row);
    const bytes = packs.sizeBytes(row);
    const isListed = packs.is(row, packFlags.listed);
    if (isListed) sums.stored.add(bytes);
    packs.mark(row, packFlags.sweeping, false);
    if (state.swept.has(packId)) {
      // Never so where all keep the rules; where somebody did not, the copy that is left may be the last.
      if (isNeeded(packId)) {
        if (++missing <= namedMissing) missingPacks.push(packId);
        continue;
      }
      if (!isListed || isBlocked) continue;
      lists.leftover.push(packId);
      sums.leftovers.add(bytes);
      continue;
    }
    const condemned = state.condemned.get(packId);
    if (isNeeded(packId)) {
      sums.needed.add(bytes);
      if (!isListed && ++missing <= namedMissing) missingPacks.push(packId);
      if (condemned === undefined) sums.inUse.add(bytes);
      else {
        lists.revive.push(packId);
        sums.revive.add(bytes);
      }
      continue;
    }
    const isOrphan = !packs.is(row, packFlags.added);
    const modifiedMs = packs.modifiedMs(row);
    if (condemned !== undefined) {
      const waitMs = isOrphan && Number.isNaN(modifiedMs) ? Math.max(graceMs, policy.orphanAgeMs) : graceMs;
      if (nowMs - condemned.timeMs >= waitMs && !isBlocked) {
        lists.sweep.push(packId);
        sums.sweep.add(bytes);
        packs.mark(row, packFlags.sweeping);
      } else {
        sums.waiting.add(bytes);
        nextSweepAtMs = Math.min(nextSweepAtMs, condemned.timeMs + waitMs);
      }
      continue;
    }
    if (strays.foreignPacks.has(packId)) {
      sums.foreign.add(bytes);
      continue;
    }
    sums.inUse.add(bytes);
    if (isOrphan && (nowMs - modifiedMs < policy.orphanAgeMs || strays.unreadPacks.has(packId))) {
      sums.young.add(bytes);
      continue;
    }
    if (isBlocked) continue;
    if (isOrphan) sums.orphans.add(bytes);
    lists.condemn.push(packId);
    sums.condemn.add(bytes);
  }
  const leftoverStates = isBlocked ? [] : survey.sweptStates;
  const isBraked = sums.condemn.bytes > policy.brakeShare * sums.inUse.bytes && !force;
  const states = statesToSweep(survey, { graceMs, nowMs, policy, strays, isBraked });
  return {
    seq: state.seq,
    plannedAtMs: nowMs,
    graceMs,
    revive: isDoubtful ? new PackIdList() : lists.revive,
    condemn: lists.condemn,
    sweep: lists.sweep,
    sweepStates: isBlocked ? [] : states.ids,
    leftoverPacks: lists.leftover,
    leftoverStates: leftoverStates.map((each) => each.stateId),
    figures: {
      stored: sums.stored.tally(),
      needed: sums.needed.tally(),
      revive: sums.revive.tally(),
      condemn: sums.condemn.tally(),
      orphans: sums.orphans.tally(),
      sweep: sums.sweep.tally(),
      sweepStates: isBlocked ? { count: 0, bytes: 0 } : states.sum.tally(),
      abandonedStates: isBlocked ? { count: 0, bytes: 0 } : states.abandoned.tally(),
      foreign: sums.foreign.with(states.foreign).tally(),
      leftovers: sums.leftovers.with(leftoverStates).tally(),
      waiting: sums.waiting.tally(),
      nextSweepAtMs: Number.isFinite(nextSweepAtMs) ? nextSweepAtMs : undefined,
      young: sums.young.with(states.young).tally(),
      missing,
      missingPacks,
      heads: survey.requests.gets,
      listedKeys: survey.requests.listedKeys,
    },
    brake: isBraked
      ? { condemnBytes: sums.condemn.bytes, inUseBytes: sums.inUse.bytes, share: policy.brakeShare }
      : undefined,
    doubt: options.doubt,
    unreadable: unreadable.map(({ stateId, error }) => ({ stateId, message: error.message })),
    unreadableRemoved: survey.unreadableRemoved.map(({ stateId, error }) => ({ stateId, message: error.message })),
  };
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

function statesToSweep(
  survey: Survey,
  options: {
    readonly graceMs: number;
    readonly nowMs: number;
    readonly policy: MaintenancePolicy;
    readonly strays: Strays;
    readonly isBraked: boolean;
  },
): {
  readonly ids: StateId[];
  readonly sum: Sum;
  readonly abandoned: Sum;
  readonly young: readonly UnpublishedState[];
  readonly foreign: readonly UnpublishedState[];
} {
  const { graceMs, nowMs, policy, strays, isBraked } = options;
  const { state, packs } = survey;
  const ids: StateId[] = [];
  const sum = new Sum();
  const isGoing = (_packId: PackId, row: number): boolean => row >= 0 && packs.is(row, packFlags.sweeping);
  for (const { stateId, removed, stateBytes } of state.snapshots.values()) {
    // Whoever removed it may want it back for the grace period, also where it added nothing that could wait.
    if (removed === undefined || nowMs - removed.timeMs < graceMs) continue;
    if (!isStateEmpty(survey, state, stateId, isGoing)) continue;
    ids.push(stateId);
    sum.add(stateBytes);
  }
  const abandoned = new Sum();
  const young = [];
  const foreign = [];
  // A sweep is final and nothing announces that of a state: it waits as long as a pack would, and the brake keeps it as it keeps packs.
  const waitMs = Math.max(graceMs, policy.orphanAgeMs);
  for (const each of survey.unpublished) {
    const { stateId, modifiedMs, sizeBytes } = each;
    if (strays.foreignStates.has(stateId)) foreign.push(each);
    else if (isBraked || strays.unreadStates.has(stateId) || modifiedMs === undefined || nowMs - modifiedMs < waitMs)
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
