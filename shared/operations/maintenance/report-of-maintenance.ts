import type { Report, ReportValue } from "#shared/operations/progress.ts";
import type { MaintenanceReport } from "./maintenance.ts";
import { s3PricesAsOf } from "./s3-prices.ts";

/** A maintenance as a report: what it did, or in a dry run would do. Facts that do not apply are left out. */
export function reportOfMaintenance({
  plan,
  done,
  compactionPlan,
  compaction,
  checkpointSeq,
  price,
  isPartial,
}: MaintenanceReport): Report {
  const { figures } = plan;
  const facts: Record<string, ReportValue> = {
    dryRun: done === undefined,
    packs: figures.stored.count,
    bytesOfPacks: figures.stored.bytes,
    neededPacks: figures.needed.count,
    neededBytes: figures.needed.bytes,
    revivedPacks: done?.revived ?? figures.revive.count,
    condemnedPacks: done?.condemned ?? (plan.brake === undefined ? figures.condemn.count : 0),
    condemnedBytes: done?.condemnedBytes ?? (plan.brake === undefined ? figures.condemn.bytes : 0),
    orphanPacks: figures.orphans.count,
    orphanBytes: figures.orphans.bytes,
    sweptPacks: done?.swept ?? figures.sweep.count,
    sweptStates: done?.sweptStates ?? figures.sweepStates.count,
    deletedObjects: done?.deleted ?? figures.sweep.count + figures.sweepStates.count + figures.leftovers.count,
    freedBytes: done?.deletedBytes ?? figures.sweep.bytes + figures.sweepStates.bytes + figures.leftovers.bytes,
    waitingPacks: figures.waiting.count,
    waitingBytes: figures.waiting.bytes,
    youngObjects: figures.young.count,
    youngBytes: figures.young.bytes,
  };
  if (figures.nextSweepAtMs !== undefined) facts["nextSweepAtMs"] = figures.nextSweepAtMs;
  if (compactionPlan !== undefined) {
    facts["compactedPacks"] =
      compaction?.relocatedPacks.length ?? (done === undefined ? compactionPlan.packs.length : 0);
    facts["compactionNewPacks"] =
      compaction?.newPacks.length ?? (done === undefined ? compactionPlan.groups.length : 0);
    facts["compactionReadBytes"] = compaction?.bytesRead ?? (done === undefined ? compactionPlan.bytesToRead : 0);
    facts["compactionFreesBytes"] = compaction?.bytesFreed ?? (done === undefined ? compactionPlan.bytesFreed : 0);
    if (compactionPlan.left.packs > 0) facts["packsLeftToCompact"] = compactionPlan.left.packs;
  }
  if (checkpointSeq !== undefined) facts["checkpoint"] = checkpointSeq;
  if (done !== undefined) facts["logEntries"] = done.entries;
  facts["graceMs"] = plan.graceMs;
  if (price !== undefined) {
    facts["storageClass"] = price.storageClass;
    facts["requests"] = price.requests;
    facts["dollars"] = cents(price.now);
    facts["dollarsForEarlyDeletion"] = cents(price.earlyDeletionNow);
    facts["dollarsForEarlyDeletionLater"] = cents(price.earlyDeletionLater);
    facts["dollarsSavedMonthly"] = cents(price.savedMonthlyNow);
    facts["dollarsSavedMonthlyLater"] = cents(price.savedMonthlyLater);
    facts["pricesAsOf"] = s3PricesAsOf;
  }
  return { operation: "maintenance", outcome: isPartial ? "partial" : "ok", facts };
}

/** Dollars to a hundredth of a cent. */
function cents(dollars: number): number {
  return Math.round(dollars * 10_000) / 10_000;
}
