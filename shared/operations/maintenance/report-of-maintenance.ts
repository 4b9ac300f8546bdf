import type { Report, ReportValue } from "#shared/operations/progress.ts";
import type { MaintenanceReport } from "./maintenance.ts";
import { s3PricesAsOf } from "./s3-prices.ts";

/**
 * A maintenance as a report: what it did, or in a dry run would do. Facts about things that there are none of are left out: revived packs,
 * orphans, what waits or is young, compaction.
 */
export function reportOfMaintenance(report: MaintenanceReport): Report {
  const { plan, done, checkpointSeq, isPartial } = report;
  const { figures } = plan;
  const willCondemn = plan.condemnLimit === undefined ? figures.condemn : { count: 0, bytes: 0 };
  const facts: Record<string, ReportValue> = {
    dryRun: done === undefined,
    packs: figures.stored.count,
    bytesOfPacks: figures.stored.bytes,
    neededPacks: figures.needed.count,
    neededBytes: figures.needed.bytes,
    ...someOf({ revivedPacks: done?.revived ?? figures.revive.count }),
    ...someOf({ recondemnedPacks: done?.recondemned ?? figures.recondemn.count }),
    condemnedPacks: done?.condemned ?? willCondemn.count,
    condemnedBytes: done?.condemnedBytes ?? willCondemn.bytes,
    ...someOf({ orphanPacks: figures.orphans.count, orphanBytes: figures.orphans.bytes }),
    sweptPacks: done?.swept ?? figures.sweep.count,
    sweptStates: done?.sweptStates ?? figures.sweepStates.count,
    ...someOf({ abandonedStates: figures.abandonedStates.count }),
    deletedObjects: done?.deleted ?? figures.sweep.count + figures.sweepStates.count + figures.leftovers.count,
    freedBytes: done?.deletedBytes ?? figures.sweep.bytes + figures.sweepStates.bytes + figures.leftovers.bytes,
    ...someOf({ waitingPacks: figures.waiting.count, waitingBytes: figures.waiting.bytes }),
    ...(figures.nextSweepAtMs === undefined ? {} : { nextSweepAtMs: figures.nextSweepAtMs }),
    ...someOf({ returnedPacks: figures.returned.count, returnedBytes: figures.returned.bytes }),
    ...someOf({ heldPacks: figures.held.count, heldBytes: figures.held.bytes }),
    ...someOf({ youngObjects: figures.young.count, youngBytes: figures.young.bytes }),
    ...compactionFacts(report),
    ...(checkpointSeq === undefined ? {} : { checkpoint: checkpointSeq }),
    ...(done === undefined ? {} : { logEntries: done.entries }),
    graceMs: plan.graceMs,
    ...priceFacts(report),
  };
  const stops = stopsOf(report);
  const ending = stops.length === 0 ? {} : { ending: stops.join("; ") };
  return { operation: "maintenance", outcome: isPartial ? "partial" : "ok", ...ending, facts };
}

/** What kept this run from doing all that could be done, where nothing is missing. */
function stopsOf({ plan }: MaintenanceReport): string[] {
  const { condemnLimit, deletionLimit, doubt, jumpMs, unreadable, figures } = plan;
  return [
    ...(doubt === undefined ? [] : ["the log seems to have lost entries, see above"]),
    ...(jumpMs === undefined ? [] : ["stopped because the clock may have jumped, see above"]),
    ...(condemnLimit === undefined && deletionLimit === undefined ? [] : ["stopped by the safety limit, see above"]),
    ...(unreadable.length === 0 ? [] : ["nothing was deleted, because snapshots cannot be read, see above"]),
    ...(figures.returned.count === 0 ? [] : ["packs came back: run `holdfast repair --apply`, see above"]),
  ];
}

function compactionFacts({
  done,
  compactionPlan: planned,
  compaction,
}: MaintenanceReport): Record<string, ReportValue> {
  if (planned === undefined) return {};
  const left = someOf({ packsLeftToCompact: planned.left.packs });
  if (compaction !== undefined) {
    const { relocatedPacks, newPacks, bytesRead, bytesWritten, bytesFreed } = compaction;
    return {
      ...someOf(compacted(relocatedPacks.length, newPacks.length, bytesRead, bytesWritten, bytesFreed)),
      ...left,
    };
  }
  if (done !== undefined) return left;
  const { packs, groups, bytesToRead, bytesToWrite, bytesFreed } = planned;
  return { ...someOf(compacted(packs.length, groups.length, bytesToRead, bytesToWrite, bytesFreed)), ...left };
}

function compacted(packs: number, newPacks: number, bytesRead: number, bytesWritten: number, bytesFreed: number) {
  return {
    compactedPacks: packs,
    compactionNewPacks: newPacks,
    compactionReadBytes: bytesRead,
    compactionWrittenBytes: bytesWritten,
    compactionFreesBytes: bytesFreed,
  };
}

function priceFacts({ price, isPriced }: MaintenanceReport): Record<string, ReportValue> {
  if (price === undefined) return {};
  if (!isPriced) return { requestsPlanned: price.requests };
  return {
    requestsPlanned: price.requests,
    storageClass: price.storageClass,
    dollars: cents(price.now),
    dollarsForEarlyDeletion: cents(price.earlyDeletionNow),
    dollarsForEarlyDeletionLater: cents(price.earlyDeletionLater),
    dollarsSavedMonthly: cents(price.savedMonthlyNow),
    dollarsSavedMonthlyLater: cents(price.savedMonthlyLater),
    pricesAsOf: s3PricesAsOf,
  };
}

/** The facts, or none of them where the first is zero. */
function someOf(facts: Readonly<Record<string, number>>): Readonly<Record<string, number>> {
  return Object.values(facts)[0] === 0 ? {} : facts;
}

/** Dollars to a hundredth of a cent. */
function cents(dollars: number): number {
  return Math.round(dollars * 10_000) / 10_000;
}
