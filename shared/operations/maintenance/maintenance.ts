import { isHoldfastError } from "#shared/errors.ts";
import type { StoreConfig } from "#shared/format/config.ts";
import type { PackId } from "#shared/format/ids.ts";
import type { Appender } from "#shared/log/append-entry.ts";
import { deleteOldCheckpoints } from "#shared/log/delete-old-checkpoints.ts";
import { readLog } from "#shared/log/read-log.ts";
import type { LogState } from "#shared/log/log-state.ts";
import { packsMarkedByRepair } from "#shared/log/repair-marks.ts";
import { writeCheckpoint } from "#shared/log/write-checkpoint.ts";
import { newProgress, type Progress, type Reporter } from "#shared/operations/progress.ts";
import { compact, type CompactionReport } from "./compact/compact.ts";
import type { CompactionPlan } from "./compact/compaction-plan.ts";
import { planCompaction } from "./compact/plan-compaction.ts";
import { readPackCensus } from "./compact/read-pack-census.ts";
import { executeMaintenance, type MaintenanceDone } from "./execute-maintenance.ts";
import type { MaintenancePlan } from "./maintenance-plan.ts";
import { defaultLimitShare, defaultOrphanAgeMs, type MaintenancePolicy } from "./maintenance-policy.ts";
import { doubtOf } from "./doubt-log.ts";
import { lookAtMarked } from "./look-at-marked.ts";
import { lookAtStrays } from "./look-at-strays.ts";
import { planMaintenance } from "./plan-maintenance.ts";
import { type PlanPrice, pricePlan, priceWithCompaction } from "./price-plan.ts";
import { surveyStore } from "./survey-store.ts";
import { warningsOf } from "./warnings-of-plan.ts";
import { ageOf, askWitnesses } from "./witnesses.ts";

/** What a maintenance is to do. */
export type MaintenanceOptions = {
  /** Its signer is all the key that is needed. */
  readonly appender: Appender;
  readonly config: StoreConfig;
  /** Plans only; nothing is written or deleted. */
  readonly dryRun: boolean;
  /** Condemns and deletes more than the limit allows. */
  readonly force: boolean;
  /** Goes on where the store tells of entries that the log does not have. */
  readonly acceptsLog?: boolean;
  /** Goes on where this machine's clock and the store's differ. */
  readonly acceptsClock?: boolean;
  /** Copies what is needed of sparse packs together. */
  readonly compact: boolean;
  readonly orphanAgeMs?: number;
  /** 0 to 1. */
  readonly limitShare?: number;
  /** The storage class of packs, where they lie in AWS S3; undefined: no price is told. */
  readonly storageClass?: string;
  readonly reporter: Reporter;
};

/** What a maintenance did, or would do. */
export type MaintenanceReport = {
  readonly plan: MaintenancePlan;
  readonly compactionPlan: CompactionPlan | undefined;
  /** Undefined: a dry run. */
  readonly done: MaintenanceDone | undefined;
  /** Undefined: a dry run, or nothing was worth it. */
  readonly compaction: CompactionReport | undefined;
  /** The entry up to which a new checkpoint folds the log; undefined: none was written. */
  readonly checkpointSeq: number | undefined;
  /** What the plan takes in requests, and what it would cost in `storageClass`; in STANDARD where the store has no price. */
  readonly price: PlanPrice | undefined;
  readonly isPriced: boolean;
  /** Something could not be read or done; notices told what. */
  readonly isPartial: boolean;
  /** The newest fold that is known. */
  readonly state: LogState;
};

/**
 * One maintenance of a store, without any key: survey, plan, and unless it is a dry run execute; then compaction; then a checkpoint.
 *
 * It runs beside backups, restores, checks and other maintenances. Whatever it may not do any more when its turn comes is passed over.
 *
 * @throws {HoldfastError} unavailable, denied, corrupt, incompatible: the log or the listings cannot be read, or entries not appended
 */
export async function maintenance(options: MaintenanceOptions): Promise<MaintenanceReport> {
  const { appender, reporter, dryRun } = options;
  const progress = newProgress("maintenance", "reading the log");
  reporter.start(progress);
  const { plan, price, done, state: collected, storeAheadMs } = await collect(options, progress);
  let state = collected;
  const isDoubtful = plan.doubt !== undefined && options.acceptsLog !== true;
  const isBlocked = plan.unreadable.length > 0 || isDoubtful || plan.jumpMs !== undefined;
  // What makes a limit hold, such as a log that was set back, would make compaction leave behind what is needed all the same.
  const isLimited = plan.condemnLimit !== undefined || plan.deletionLimit !== undefined;
  const mayCompact = options.compact && !isBlocked && !isLimited;
  const compacted = mayCompact ? await compactStore(options, state, progress) : undefined;
  state = compacted?.report?.log ?? state;
  const checkpoint =
    dryRun || isDoubtful
      ? { state, seq: undefined, isWritten: true }
      : await fold({ ...options, storeAheadMs }, state, progress);
  const damaged = compacted?.report?.damaged ?? [];
  for (const { packId, error } of damaged)
    reporter.notice({ level: "warning", message: `Pack ${packId} was not compacted: ${error.message}` });
  return {
    plan,
    compactionPlan: compacted?.plan,
    done,
    compaction: compacted?.report,
    checkpointSeq: checkpoint.seq,
    isPriced: options.storageClass !== undefined,
    price: price === undefined || compacted === undefined ? price : priceWithCompaction(price, compacted.plan),
    isPartial:
      isBlocked ||
      plan.doubt !== undefined ||
      !checkpoint.isWritten ||
      isLimited ||
      plan.figures.returned.count > 0 ||
      plan.unreadableRemoved.length > 0 ||
      plan.figures.missing > 0 ||
      (done?.undone ?? 0) > 0 ||
      compacted?.isPartial === true ||
      damaged.length > 0,
    state: appender.from.seq > checkpoint.state.seq ? appender.from : checkpoint.state,
  };
}

/** Survey, plan, execution. What the survey takes in memory is given back at the end. */
async function collect(
  {
    appender,
    config,
    dryRun,
    force,
    acceptsLog = false,
    acceptsClock = false,
    storageClass,
    reporter,
    ...options
  }: MaintenanceOptions,
  progress: Progress,
): Promise<Pick<MaintenanceReport, "plan" | "price" | "done" | "state"> & { readonly storeAheadMs: number }> {
  const { store, clock, signal, atLeast } = appender;
  const stoppable = signal === undefined ? {} : { signal };
  const mark = atLeast === undefined ? {} : { atLeast };
  const from = await readLog({ store, from: appender.from, ...mark, ...stoppable });
  const policy: MaintenancePolicy = {
    graceMs: config.graceMs,
    orphanAgeMs: options.orphanAgeMs ?? defaultOrphanAgeMs,
    limitShare: options.limitShare ?? defaultLimitShare,
  };
  const witnesses = await askWitnesses({ store, state: from, clock, acceptsClock, ...stoppable });
  const marks = await packsMarkedByRepair(store, from);
  const survey = await surveyStore({ store, state: from, marked: marks, progress, ...stoppable });
  const isOld = (modifiedMs: number): boolean => !(witnesses.storeMs - modifiedMs < policy.orphanAgeMs);
  const strays = await lookAtStrays({ store, survey, isOld, ...stoppable });
  const doubt = await doubtOf({ store, survey, strays, isOld, limitShare: policy.limitShare, ...stoppable });
  const isDue = (packId: PackId): boolean => {
    const condemned = from.condemned.get(packId);
    return condemned !== undefined && ageOf(witnesses, condemned) >= (from.graceMs ?? policy.graceMs);
  };
  const marked = await lookAtMarked({ store, survey, marked: marks, isDue, ...stoppable });
  const plan = planMaintenance(survey, { policy, witnesses, force, acceptsLog, strays, marked, doubt });
  for (const message of warningsOf(plan)) reporter.notice({ level: "warning", message });
  const price = pricePlan(survey, plan, storageClass ?? "STANDARD");
  const storeAheadMs = witnesses.storeMs - witnesses.hostMs;
  if (dryRun) return { plan, price, done: undefined, state: from, storeAheadMs };
  const notice = reporter.notice.bind(reporter);
  const execution = { survey, policy, witnesses, appender: { ...appender, from }, progress, notice };
  const done = await executeMaintenance(plan, execution);
  return { plan, price, done, state: done.state, storeAheadMs };
}

async function compactStore(
  { appender, config, dryRun, reporter }: MaintenanceOptions,
  from: LogState,
  progress: Progress,
): Promise<{
  readonly plan: CompactionPlan;
  readonly report: CompactionReport | undefined;
  readonly isPartial: boolean;
}> {
  const { store, signal } = appender;
  progress.phase = "looking for sparse packs";
  const census = await readPackCensus({ store, log: from, ...(signal === undefined ? {} : { signal }) });
  const plan = planCompaction(census, { log: from, packBytes: config.packBytes });
  if (dryRun || plan.packs.length === 0) return { plan, report: undefined, isPartial: plan.unreadable.length > 0 };
  progress.phase = "compacting";
  progress.bytesTotal = plan.bytesToRead;
  try {
    const report = await compact({
      appender: { ...withoutAttempt(appender), from },
      plan,
      census: census.census,
      onRead: (bytesRead) => void (progress.bytesDone = bytesRead),
    });
    return { plan, report, isPartial: false };
  } catch (error) {
    if (!isHoldfastError(error, "absent", "corrupt")) throw error;
    reporter.notice({ level: "warning", message: `Compaction stopped: ${error.message}` });
    return { plan, report: undefined, isPartial: true };
  }
}

async function fold(
  { appender, reporter, storeAheadMs }: MaintenanceOptions & { readonly storeAheadMs: number },
  from: LogState,
  progress: Progress,
): Promise<{ readonly state: LogState; readonly seq: number | undefined; readonly isWritten: boolean }> {
  progress.phase = "writing a checkpoint";
  try {
    const written = await writeCheckpoint({ ...withoutAttempt(appender), from }, { isThorough: true });
    await tidyCheckpoints({ appender, reporter, storeAheadMs }, written.state);
    return { state: written.state, seq: written.seq, isWritten: true };
  } catch (error) {
    if (!isHoldfastError(error) || error.kind === "interrupted") throw error;
    reporter.notice({ level: "warning", message: `No checkpoint was written: ${error.message}` });
    return { state: from, seq: undefined, isWritten: false };
  }
}

/** Deletes what newer checkpoints have replaced. What stays for want of an answer goes next time. */
async function tidyCheckpoints(
  {
    appender,
    reporter,
    storeAheadMs,
  }: Pick<MaintenanceOptions, "appender" | "reporter"> & { readonly storeAheadMs: number },
  state: LogState,
): Promise<void> {
  const { store, clock, signal } = appender;
  try {
    const nowMs = clock.nowMs() + storeAheadMs;
    await deleteOldCheckpoints({ store, state, nowMs, ...(signal === undefined ? {} : { signal }) });
  } catch (error) {
    if (!isHoldfastError(error) || error.kind === "interrupted") throw error;
    reporter.notice({ level: "warning", message: `Old checkpoints were left in the store: ${error.message}` });
  }
}

/** An attempt id names one append, and a maintenance makes several. */
function withoutAttempt({ attemptId: _attemptId, ...appender }: Appender): Appender {
  return appender;
}
