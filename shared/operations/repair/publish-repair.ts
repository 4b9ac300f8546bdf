import type { PackId, StateId } from "#shared/format/ids.ts";
import type { LogEvent } from "#shared/format/log-entry.ts";
import type { StateHead } from "#shared/format/state.ts";
import { appendEntry, type Appender } from "#shared/log/append-entry.ts";
import { applyEvent } from "#shared/log/apply-event.ts";
import type { LogState } from "#shared/log/log-state.ts";
import { NeededPacks } from "#shared/log/needed-packs.ts";
import { readStateHead } from "#shared/log/read-state-head.ts";
import { checkCommit, type CommitEvent } from "#shared/log/rules/check-commit.ts";
import { checkCondemn } from "#shared/log/rules/check-condemn.ts";
import { packsNeeded } from "#shared/log/rules/packs-needed.ts";
import type { StagedState } from "#shared/log/stage-state.ts";
import { violationError } from "#shared/log/violation.ts";
import { isHoldfastError } from "#shared/errors.ts";

/** A state to publish. */
export type StateToPublish = {
  readonly staged: Pick<StagedState, "stateId" | "headBytes" | "stateBytes"> & { readonly head: StateHead };
  /** The snapshot whose place it takes. */
  readonly old: StateId | undefined;
  /** When it was made, by whoever made it. */
  readonly timeMs: number;
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
 * What others did meanwhile counts: a snapshot that was removed stays removed, and one that another repair has mended is left to it.
 *
 * @param isThere - whether a pack was seen in the store
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
    for (const each of states) {
      if (!isWanted(state, each)) continue;
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
      if (each.old !== undefined) removed.push(each.old);
    }
    if (removed.length > 0) events.push({ type: "remove", snapshots: removed });
    done = published;
    return events;
  });
  if (!result.appended) done = [];
  const renamed = new Map<StateId, StateId>();
  const broughtBack: StateId[] = [];
  for (const { staged, old } of done) {
    if (old === undefined) broughtBack.push(staged.stateId);
    else renamed.set(old, staged.stateId);
  }
  return { state: result.state, renamed, broughtBack };
}

/** Whether the state is still to be published: not yet, by nobody, and not in the place of a snapshot that went away. */
function isWanted(state: LogState, { staged, old }: StateToPublish): boolean {
  if (state.snapshots.has(staged.stateId) || state.snapshotOfCommit.has(staged.head.commitId)) return false;
  if (old === undefined) return true;
  const record = state.snapshots.get(old);
  return record !== undefined && record.removed === undefined;
}

function commitEvent(state: LogState, staged: StateToPublish["staged"]): CommitEvent {
  const { stateId, headBytes, stateBytes, head } = staged;
  const revive = [...packsNeeded(state, head)].filter((packId) => state.condemned.has(packId)).sort();
  return { type: "commit", stateId, commitId: head.commitId, headBytes, stateBytes, revive };
}

/** Times that what live snapshots need is read anew because another was published meanwhile. */
const roundsMax = 8;

/**
 * Condemns those of `packs` that no live snapshot needs any more, so that nothing is deduplicated against them.
 *
 * @returns the newest log, and the packs that are condemned or swept now
 */
export async function condemnDamaged(
  appender: Appender,
  packs: readonly PackId[],
): Promise<{ readonly state: LogState; readonly condemned: readonly PackId[] }> {
  const needed = new NeededPacks();
  let state = appender.from;
  for (let round = 1; round <= roundsMax && packs.length > 0; round++) {
    if (!(await coverLive(appender, state, needed))) break;
    let isCovered = true;
    const result = await appendEntry({ ...appender, from: state }, (folded) => {
      isCovered = [...folded.snapshots.values()].every(
        (record) => record.removed !== undefined || needed.covers(record.stateId),
      );
      if (!isCovered) return [];
      const facts = needed.facts(folded);
      const wanted = packs.filter(
        (packId) => !folded.condemned.has(packId) && !folded.swept.has(packId) && !facts.isNeeded(packId),
      );
      if (wanted.length === 0) return [];
      const event = { type: "condemn", packs: wanted } as const;
      const violation = checkCondemn(folded, event, facts);
      if (violation !== undefined) throw violationError("Cannot condemn damaged packs", violation);
      return [event];
    });
    state = result.state;
    if (isCovered) break;
  }
  return { state, condemned: packs.filter((each) => state.condemned.has(each) || state.swept.has(each)) };
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
