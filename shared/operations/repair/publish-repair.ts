import { type CommitId, idFromBytes, type PackId, type StateId } from "#shared/format/ids.ts";
import type { LogEvent } from "#shared/format/log-entry.ts";
import type { StateHead } from "#shared/format/state.ts";
import { appendEntry, type Appender } from "#shared/log/append-entry.ts";
import { applyEvent } from "#shared/log/apply-event.ts";
import type { LogState } from "#shared/log/log-state.ts";
import { NeededPacks } from "#shared/log/needed-packs.ts";
import { readStateHead } from "#shared/log/read-state-head.ts";
import { checkCommit, type CommitEvent } from "#shared/log/rules/check-commit.ts";
import { repairMarkId, type RepairMark } from "#shared/log/repair-marks.ts";
import { checkCondemn, type NeedFacts } from "#shared/log/rules/check-condemn.ts";
import { packsNeeded } from "#shared/log/rules/packs-needed.ts";
import type { StagedState } from "#shared/log/stage-state.ts";
import { violationError } from "#shared/log/violation.ts";
import { HoldfastError, isHoldfastError } from "#shared/errors.ts";

/** A state to publish. */
export type StateToPublish = {
  readonly staged: Pick<StagedState, "stateId" | "headBytes" | "stateBytes"> & { readonly head: StateHead };
  /** The snapshot whose place it takes. */
  readonly old: StateId | undefined;
};

/** What came of publishing. */
export type PublishedRepairs = {
  readonly state: LogState;
  /** New ids of snapshots, by their old ones. */
  readonly renamed: ReadonlyMap<StateId, StateId>;
  /** Snapshots that are there now and were not before, without an old id. */
  readonly broughtBack: readonly StateId[];
};

/**
 * Publishes states and removes those whose place they take, in one entry: a reader sees the one or the other.
 *
 * What others did meanwhile counts: a snapshot that was removed stays removed, and those that another repair has mended are left to it. Each state may refer to
 * packs that those before it add, so they are published in this order or not at all.
 *
 * @param isThere - whether a pack was seen in the store
 * @throws {HoldfastError} conflict: another repair has mended some of them and not all
 */
export async function publishRepairs(
  appender: Appender,
  states: readonly StateToPublish[],
  isThere: (packId: PackId) => boolean,
): Promise<PublishedRepairs> {
  let done: readonly StateToPublish[] = [];
  const result = await appendEntry(appender, (folded) => {
    const moment = { seq: folded.seq + 1, timeMs: appender.clock.nowMs() };
    const events: LogEvent[] = [];
    const removed: StateId[] = [];
    const published: StateToPublish[] = [];
    let state = folded;
    let isOutrun = false;
    for (const each of states) {
      const { staged, old } = each;
      if (state.snapshots.has(staged.stateId)) continue;
      if (state.snapshotOfCommit.has(staged.head.commitId)) {
        isOutrun = true;
        continue;
      }
      const before = old === undefined ? undefined : state.snapshots.get(old);
      const isGone = old !== undefined && (before === undefined || before.removed !== undefined);
      if (isGone && staged.head.packs.length === 0) continue;
      const event = commitEvent(state, each.staged);
      // The person who repairs has answered for it that the log forgot entries on which a state was based.
      const head = { ...each.staged.head, baseSeq: Math.min(each.staged.head.baseSeq, state.seq) };
      const violation = checkCommit(state, event, { head, isWhole: isThere });
      if (violation !== undefined)
        throw violationError(`Cannot publish snapshot ${each.staged.stateId}`, violation, "Run the repair again.");
      const applied = applyEvent(state, event, moment);
      if (!("state" in applied)) continue;
      state = applied.state;
      events.push(event);
      published.push(each);
      // Of a snapshot that was removed meanwhile the new state only tells of packs, for the others.
      if (isGone) removed.push(staged.stateId);
      else if (old !== undefined) removed.push(old);
    }
    if (isOutrun && published.length > 0) {
      throw new HoldfastError(
        "conflict",
        "Cannot publish repaired snapshots: another repair was first with some of them",
        {
          hint: "Run the repair again when the other one is over.",
        },
      );
    }
    if (removed.length > 0) events.push({ type: "remove", snapshots: removed });
    done = published;
    return events;
  });
  if (!result.appended) done = [];
  const renamed = new Map<StateId, StateId>();
  const broughtBack: StateId[] = [];
  for (const { staged, old } of done) {
    if (result.state.snapshots.get(staged.stateId)?.removed !== undefined) continue;
    if (old === undefined) broughtBack.push(staged.stateId);
    else renamed.set(old, staged.stateId);
  }
  return { state: result.state, renamed, broughtBack };
}

function commitEvent(state: LogState, staged: StateToPublish["staged"]): CommitEvent {
  const { stateId, headBytes, stateBytes, head } = staged;
  const revive = [...packsNeeded(state, head)].filter((packId) => state.condemned.has(packId)).sort();
  return { type: "commit", stateId, commitId: head.commitId, headBytes, stateBytes, revive };
}

/** Times that what live snapshots need is read anew because another was published meanwhile. */
const roundsMax = 8;

/**
 * Condemns those of `packs` that no live snapshot needs any more, so that nothing is deduplicated against them. The entry says why.
 *
 * @returns the newest log, and the packs that are condemned or swept now
 */
export async function condemnDamaged(
  appender: Appender,
  packs: readonly PackId[],
  mark: RepairMark,
): Promise<{ readonly state: LogState; readonly condemned: readonly PackId[] }> {
  const state = await decideWithNeeds(
    appender,
    packs,
    () => repairMarkId(mark, appender.random),
    (folded, facts) => {
      const wanted = packs.filter(
        (packId) => !folded.condemned.has(packId) && !folded.swept.has(packId) && !facts.isNeeded(packId),
      );
      if (wanted.length === 0) return [];
      const event = { type: "condemn", packs: wanted } as const;
      const violation = checkCondemn(folded, event, facts);
      if (violation !== undefined) throw violationError("Cannot condemn damaged packs", violation);
      return [event];
    },
  );
  return { state, condemned: packs.filter((each) => state.condemned.has(each) || state.swept.has(each)) };
}

/**
 * Takes back that packs were found missing or damaged, and condemns them anew in the same entry, as packs that nothing needs: they wait for the grace
 * period like others, and are deleted after it. What was revived or condemned again meanwhile is passed over.
 *
 * @param packs - by the entry that condemned each
 * @returns the newest log
 */
export function releaseReturned(appender: Appender, packs: ReadonlyMap<PackId, number>): Promise<LogState> {
  return decideWithNeeds(
    appender,
    [...packs.keys()],
    () => idFromBytes("commit", appender.random(16)),
    (folded, facts) => {
      const still = [...packs]
        .filter(([packId, seq]) => folded.condemned.get(packId)?.seq === seq && !facts.isNeeded(packId))
        .map(([packId]) => packId);
      return still.length === 0
        ? []
        : [
            { type: "revive", packs: still },
            { type: "condemn", packs: still },
          ];
    },
  );
}

/**
 * Appends an entry that is decided by what live snapshots need. Where the state of one cannot be read, or others are published all the time, nothing
 * is appended.
 *
 * @param attemptId - gives each try its name
 */
async function decideWithNeeds(
  appender: Appender,
  packs: readonly PackId[],
  attemptId: () => CommitId,
  decide: (state: LogState, facts: NeedFacts) => readonly LogEvent[],
): Promise<LogState> {
  const needed = new NeededPacks();
  let state = appender.from;
  for (let round = 1; round <= roundsMax && packs.length > 0; round++) {
    if (!(await coverLive(appender, state, needed))) break;
    let isCovered = true;
    const result = await appendEntry({ ...appender, from: state, attemptId: attemptId() }, (folded) => {
      isCovered = [...folded.snapshots.values()].every(
        (record) => record.removed !== undefined || needed.covers(record.stateId),
      );
      return isCovered ? decide(folded, needed.facts(folded)) : [];
    });
    state = result.state;
    if (isCovered) break;
  }
  return state;
}

/**
 * Sweeps states whose objects are lost or damaged and whose snapshots are removed, so that nobody looks for them any more.
 *
 * What the states said of packs is not known, so `swept-states-are-empty` cannot be applied: what any live snapshot needs of their packs
 * is told by other states by now, and the rest are orphans.
 *
 * @returns the newest log
 */
export async function giveUpStates(appender: Appender, states: readonly StateId[]): Promise<LogState> {
  if (states.length === 0) return appender.from;
  const result = await appendEntry(appender, (folded) => {
    const gone = states.filter((stateId) => folded.snapshots.get(stateId)?.removed !== undefined);
    return gone.length === 0 ? [] : [{ type: "sweep", packs: [], states: gone }];
  });
  return result.state;
}

/** Reads what live snapshots reference. @returns false: the state of one cannot be read, so that nobody knows what it needs */
async function coverLive({ store }: Appender, state: LogState, needed: NeededPacks): Promise<boolean> {
  for (const record of state.snapshots.values()) {
    if (record.removed !== undefined || needed.covers(record.stateId)) continue;
    try {
      const { head } = await readStateHead(store, state.storeId, record);
      needed.add(record.stateId, head.references);
    } catch (error) {
      if (isHoldfastError(error, "corrupt", "absent")) return false;
      throw error;
    }
  }
  return true;
}
