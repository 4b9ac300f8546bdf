import type { PackId } from "#shared/format/ids.ts";
import { appendEntry, type Appended, type Appender, entryAt } from "./append-entry.ts";
import { isHoldfastError } from "#shared/errors.ts";
import { confirmPacks, type PackToConfirm } from "./confirm-packs.ts";
import type { LogState } from "./log-state.ts";
import { readLog } from "./read-log.ts";
import { checkCommit, type CommitEvent } from "./rules/check-commit.ts";
import { packsNeeded } from "./rules/packs-needed.ts";
import type { StagedState } from "./stage-state.ts";
import { violationError } from "./violation.ts";

/** Options of `publishState`. */
export type PublishOptions = {
  readonly staged: StagedState;
  /** Packs that this process itself has seen whole in the store (their `put` resolved, or `confirmPacks` did). */
  readonly confirmed?: { has(packId: PackId): boolean };
  /** Packs that a published state adds, as far as the caller has read them: they were confirmed when it was published. */
  readonly published?: { has(packId: PackId): boolean };
};

/**
 * Stage 2 of a commit: makes the snapshot of a staged state visible.
 *
 * Every pack that the snapshot needs (by the relocations of the log) and that is in neither `confirmed` nor `published` is first
 * confirmed whole by `head`.
 * Then one log entry publishes the state, and revives those of its packs that are condemned at that point. When this
 * resolves, the snapshot is in the log; when it throws, it is not (but see `detail.outcome`), and no reader sees any of it. It may be called again, by
 * another process too: a state is published once.
 *
 * Order: packs before their state, the state before its log entry; only after this may any local cache learn of the snapshot.
 *
 * @returns `appended` false when the state had already been published; `seq` is the entry that published it
 * @throws {HoldfastError} absent or corrupt: packs are missing or damaged (`detail.packs`); nothing was appended
 * @throws {HoldfastError} conflict: a pack was swept meanwhile (`detail.rule` "packs-are-not-swept", `detail.ids`): upload its blobs again,
 *   in new packs, with a new state; or the state itself was ("commit-state-is-not-swept"): stage a new one
 * @throws {HoldfastError} as `appendEntry`
 */
export async function publishState(appender: Appender, options: PublishOptions): Promise<Appended> {
  const { staged, confirmed, published } = options;
  const { head, stateId } = staged;
  const seen = new Set<PackId>();
  const isWhole = (packId: PackId): boolean =>
    seen.has(packId) || confirmed?.has(packId) === true || published?.has(packId) === true;
  const from = await confirmNeeded(appender, staged, isWhole, seen);
  const facts = { head, isWhole };
  const result = await appendEntry({ ...appender, from }, (state) => {
    if (state.snapshots.has(stateId)) return [];
    const event = commitEvent(state, staged);
    const found = checkCommit(state, event, facts);
    if (found === undefined) return [event];
    throw violationError(`Cannot publish snapshot ${stateId}`, found, hintOf(found.rule));
  });
  if (result.appended) return result;
  const record = result.state.snapshots.get(stateId);
  if (record === undefined) return result;
  return { ...result, ...(await entryAt(appender.store, result.state, record.seq)) };
}

/**
 * Confirms the packs that the snapshot needs by the fold that the appender has, adds them to `seen`, and gives that fold. What was
 * relocated or swept since then may be missing for that reason: so who finds a pack missing folds what came since, and lets the rules speak
 * first. (Packs that a later fold needs instead were placed by relocations, whose authors saw them whole.)
 */
async function confirmNeeded(
  appender: Appender,
  staged: StagedState,
  isWhole: (packId: PackId) => boolean,
  seen: Set<PackId>,
): Promise<LogState> {
  const { store, signal } = appender;
  let state = appender.from;
  for (;;) {
    const unknown = packsToConfirm(state, staged, isWhole);
    try {
      await confirmPacks(store, unknown, signal);
      for (const { packId } of unknown) seen.add(packId);
      return state;
    } catch (error) {
      if (!isHoldfastError(error, "absent")) throw error;
      const newer = await readLog({ store, from: state, ...(signal === undefined ? {} : { signal }) });
      if (newer.seq === state.seq) throw error;
      state = newer;
    }
  }
}

function commitEvent(state: LogState, staged: StagedState): CommitEvent {
  const { stateId, headBytes, stateBytes, head } = staged;
  const revive =
    state.condemned.size === 0
      ? []
      : [...packsNeeded(state, head)].filter((packId) => state.condemned.has(packId)).sort();
  return { type: "commit", stateId, commitId: head.commitId, headBytes, stateBytes, revive };
}

/** The packs that are still to be confirmed; those that were swept are for the rules to refuse. */
function packsToConfirm(state: LogState, staged: StagedState, isWhole: (packId: PackId) => boolean): PackToConfirm[] {
  const sizes = new Map(staged.head.packs.map((each) => [each.packId, each.sizeBytes]));
  const unknown: PackToConfirm[] = [];
  for (const packId of packsNeeded(state, staged.head)) {
    if (isWhole(packId) || state.placed.has(packId) || state.swept.has(packId)) continue;
    const sizeBytes = sizes.get(packId);
    unknown.push(sizeBytes === undefined ? { packId } : { packId, sizeBytes });
  }
  return unknown;
}

function hintOf(rule: string): string {
  return rule === "commit-base-is-folded"
    ? "The store was set back, or this is another copy of it: find out which one is the true one."
    : "Run the backup again: it uploads what is missing.";
}
