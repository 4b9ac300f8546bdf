import type { PackId, StateId } from "#shared/format/ids.ts";
import { encodeSnapshotCopy } from "#shared/format/snapshot-copy.ts";
import { appendEntry, type Appender } from "#shared/log/append-entry.ts";
import { logMark, type LogState } from "#shared/log/log-state.ts";
import { removeSnapshots } from "#shared/log/remove-snapshots.ts";
import { writeCheckpoint, type WriteCheckpointOptions } from "#shared/log/write-checkpoint.ts";
import { checkpointKey } from "#shared/store/object-key.ts";
import type { Store } from "#shared/store/store.ts";
import { HoldfastError, isHoldfastError } from "#shared/errors.ts";
import { BlobStorer } from "./blob-storer.ts";
import { planClaims } from "./claims.ts";
import { noteLosses } from "./note-losses.ts";
import { lookForPacks } from "./look-for-packs.ts";
import {
  condemnDamaged,
  giveUpStates,
  publishRepairs,
  releaseReturned,
  type StateToPublish,
} from "./publish-repair.ts";
import { recoveryAttemptId } from "./recovery-mark.ts";
import type { RepairPlan, Restatement } from "./repair-plan.ts";
import { resumeLog } from "./resume-log.ts";
import { restateSnapshot } from "./restate-snapshot.ts";
import { forkError } from "./salvage-log.ts";

/** States that one log entry publishes, at most. */
const statesPerEntry = 64;

/** How a plan is executed. */
export type ExecuteRepairOptions = {
  /** Whether snapshots of which nothing can be had are removed. */
  readonly dropLost: boolean;
  readonly signal?: AbortSignal;
};

/** What a repair did. */
export type RepairReport = {
  /** New ids of snapshots, by their old ones. */
  readonly renamed: ReadonlyMap<StateId, StateId>;
  /** Snapshots that were forgotten and are there again. */
  readonly broughtBack: readonly StateId[];
  readonly condemnedPacks: readonly PackId[];
  /** Damaged packs that something still needs: run the repair again. */
  readonly leftPacks: readonly PackId[];
  readonly removedSnapshots: readonly StateId[];
  /** Blobs that were saved from damaged packs. */
  readonly savedBlobs: number;
  readonly storedBytes: number;
  readonly log: LogState;
};

/**
 * Carries out what `planRepair` found. Objects are added and none is changed or deleted.
 *
 * Order: where the log has holes, a checkpoint of what is left of it and the entry that vouches for it, so that readers and writers go on behind them;
 * then packs, states, and the entries that publish them, as a backup does; then damaged packs are condemned. It may die anywhere, run beside
 * backups and maintenance, and run again.
 *
 * @throws {HoldfastError} as `appendEntry` and the store; corrupt: the log is a mixture of two
 */
export async function executeRepair(plan: RepairPlan, options: ExecuteRepairOptions): Promise<RepairReport> {
  const { repository, log, survey } = plan;
  const [fork] = log.forks;
  if (fork !== undefined) throw forkError(fork);
  const { store, signer, clock, random } = repository;
  const stoppable = options.signal === undefined ? {} : { signal: options.signal };
  const appender = (): Appender => ({ store, signer, clock, random, from: repository.log, ...stoppable });

  await confirmMissing(plan, options.signal);
  if (log.resumes !== undefined)
    repository.log = await resumeLog({ ...appender(), attemptId: recoveryAttemptId(random) }, log.resumes);
  if (log.lost.length > 0 && log.state.seq > 0) {
    const from = { ...appender(), from: plan.recoveredLog, attemptId: recoveryAttemptId(random) };
    repository.log = await checkpointBehind(plan, from);
  }
  const storer = await BlobStorer.begin(repository);
  const saved = new Map<string, number>();
  let states: StateToPublish[];
  try {
    states = await stageStates(plan, storer, saved);
  } finally {
    await storer.settle();
  }
  const renamed = new Map<StateId, StateId>();
  const broughtBack: StateId[] = [];
  const stored = new Set(storer.packs.map((pack) => pack.packId));
  const isThere = (packId: PackId): boolean => stored.has(packId) || survey.packSizes.has(packId);
  for (const batch of inEntries(states)) {
    const isRecovery = batch.some((each) => each.old === undefined);
    const attempt = isRecovery ? { attemptId: recoveryAttemptId(random) } : {};
    const done = await publishRepairs({ ...appender(), ...attempt }, batch, isThere);
    repository.log = done.state;
    for (const [old, id] of done.renamed) renamed.set(old, id);
    broughtBack.push(...done.broughtBack);
  }
  const removedSnapshots = options.dropLost ? await dropLost(plan, appender()) : [];
  const condemned: PackId[] = [];
  for (const mark of ["missing", "damaged"] as const) {
    const packs = plan.condemned.filter((packId) => survey.missingPacks.has(packId) === (mark === "missing"));
    const done = await condemnDamaged(appender(), packs, mark);
    repository.log = done.state;
    condemned.push(...done.condemned);
  }
  repository.log = await releaseReturned(appender(), plan.returned);
  repository.log = await giveUpStates(appender(), plan.goneStates);
  if (plan.needsCheckpoint) repository.log = await checkpointBehind(plan, appender(), { isThorough: true });
  return {
    renamed,
    broughtBack,
    condemnedPacks: condemned,
    leftPacks: plan.condemned.filter((each) => !condemned.includes(each)),
    removedSnapshots,
    savedBlobs: saved.size,
    storedBytes: storer.storedBytes,
    log: repository.log,
  };
}

/**
 * Looks a second time for the packs that were missing when the plan was made.
 *
 * @throws {HoldfastError} unavailable: some are there
 */
async function confirmMissing({ repository, survey }: RepairPlan, signal: AbortSignal | undefined): Promise<void> {
  const { found } = await lookForPacks(repository.store, survey.missingPacks, signal);
  const [packId] = found.keys();
  if (packId === undefined) return;
  throw new HoldfastError(
    "unavailable",
    `Cannot repair: ${found.size} packs that were missing a moment ago are there now, such as ${packId}. Nothing was changed`,
    {
      detail: { packs: found.size },
      hint: "Wait until all of the store can be reached without interruptions, and run the repair again.",
    },
  );
}

/** Saves blobs from damaged packs and stages the new states; those that only need to be published again come first. */
async function stageStates(
  plan: RepairPlan,
  storer: BlobStorer,
  saved: Map<string, number>,
): Promise<StateToPublish[]> {
  const { repository, republished } = plan;
  const found = plan.restatements.toSorted(byPublication);
  const states: StateToPublish[] = republished.map((each) => ({
    staged: each,
    old: undefined,
  }));
  if (found.length === 0) return states;
  const reader = await repository.blobReader();
  for (const { needs } of found) {
    for (const { id, kind } of needs.salvage.values()) {
      if (saved.has(id)) continue;
      const bytes = Buffer.from(id, "latin1");
      const blob = kind === "data" ? await reader.readChunk(bytes) : await reader.readNode(bytes);
      saved.set(id, await storer.add(kind, bytes, blob));
    }
  }
  const restatements: Restatement[] = [];
  const ownSegments: number[][] = [];
  for (const each of found) {
    const { header, segments } = await noteLosses(each, reader, storer);
    const { commitId, group } = each;
    const copy = await storer.addNode(encodeSnapshotCopy({ commitId, group, header }));
    restatements.push({ ...each, header });
    ownSegments.push([copy.segment, ...segments]);
  }
  await storer.finish();
  const claims = planClaims(restatements, plan.survey, repository.segments);
  const parts = { plan, storer, saved, claims, claimed: new Set<PackId>() };
  for (const [index, restatement] of restatements.entries()) {
    // In the order in which they are published: each may refer to packs that those before it add.
    const staged = await restateSnapshot(parts, restatement, { index, ownSegments: ownSegments[index] ?? [] });
    states.push({ staged, old: restatement.old?.stateId });
  }
  return states;
}

/**
 * States by the entries that publish them, in their order: those that the log forgot one by one, for the log gives them their places; those that
 * take the place of others together, for they keep those places.
 */
function inEntries(states: readonly StateToPublish[]): StateToPublish[][] {
  const batches = states.filter((each) => each.old === undefined).map((each) => [each]);
  const replacing = states.filter((each) => each.old !== undefined);
  for (let from = 0; from < replacing.length; from += statesPerEntry)
    batches.push(replacing.slice(from, from + statesPerEntry));
  return batches;
}

/** First those that the log forgot, the earliest first, then the others. */
function byPublication(left: Restatement, right: Restatement): number {
  if ((left.old === undefined) !== (right.old === undefined)) return left.old === undefined ? -1 : 1;
  return left.header.timeMs - right.header.timeMs;
}

async function dropLost(plan: RepairPlan, appender: Appender): Promise<readonly StateId[]> {
  const { repository, lostSnapshots } = plan;
  const present = lostSnapshots.filter((stateId) => {
    const record = repository.log.snapshots.get(stateId);
    return record !== undefined && record.removed === undefined;
  });
  if (present.length === 0) return [];
  repository.log = (await removeSnapshots({ ...appender, atLeast: logMark(repository.log) }, present)).state;
  return present;
}

/**
 * Writes a checkpoint of the log. Where its number is taken, by an object that is damaged or for which nobody vouches, an entry comes
 * first that says nothing new, so that the checkpoint has the next number.
 *
 * @returns the newest log
 */
async function checkpointBehind(
  { repository }: RepairPlan,
  appender: Appender,
  options: WriteCheckpointOptions = {},
): Promise<LogState> {
  const { from, store } = appender;
  try {
    return (await writeCheckpoint(appender, options)).state;
  } catch (error) {
    if (!isHoldfastError(error, "conflict", "corrupt", "incompatible") || !(await isThere(store, from.seq)))
      throw error;
  }
  const graceMs = from.graceMs ?? repository.config.graceMs;
  const attemptId = recoveryAttemptId(repository.random);
  const { state, appended } = await appendEntry({ ...appender, attemptId }, (folded) =>
    folded.seq === from.seq ? [{ type: "settings", graceMs }] : [],
  );
  if (!appended) {
    throw new HoldfastError(
      "conflict",
      `Cannot write a checkpoint of log entry ${from.seq}: others went on meanwhile`,
      {
        hint: "Run the repair again.",
      },
    );
  }
  return (await writeCheckpoint({ ...appender, from: state }, options)).state;
}

async function isThere(store: Store, seq: number): Promise<boolean> {
  try {
    await store.head(checkpointKey(seq));
    return true;
  } catch (error) {
    if (!isHoldfastError(error, "absent")) throw error;
    return false;
  }
}
