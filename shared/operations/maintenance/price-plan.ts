import type { PackId } from "#shared/format/ids.ts";
import type { CompactionPlan } from "./compact/compaction-plan.ts";
import type { MaintenancePlan } from "./maintenance-plan.ts";
import { s3ListPrice, s3Prices, type S3Price } from "./s3-prices.ts";
import type { Survey } from "./survey-store.ts";

/** What a plan costs and saves at S3's list prices, US dollars. */
export type PlanPrice = {
  readonly storageClass: string;
  /** All requests, deletions too. */
  readonly requests: number;
  /** What they cost, and what compaction reads. */
  readonly now: number;
  /** Charges for packs that are deleted before the least time of their storage class: by this run, and by the run that sweeps what it condemns. */
  readonly earlyDeletionNow: number;
  readonly earlyDeletionLater: number;
  /** Storage that is no longer paid for, each month: when this run is through, and when all that it condemns is swept. */
  readonly savedMonthlyNow: number;
  readonly savedMonthlyLater: number;
};

const gigabyte = 2 ** 30;
const dayMs = 24 * 3_600_000;
const monthDays = 30;
const listPageKeys = 1000;

/**
 * Estimates a plan in dollars.
 *
 * @param storageClass - that of packs; everything else lies in STANDARD
 * @returns undefined for a class without a price
 */
export function pricePlan(survey: Survey, plan: MaintenancePlan, storageClass: string): PlanPrice | undefined {
  const ofPacks = s3Prices[storageClass];
  const ofStates = s3Prices["STANDARD"];
  if (ofPacks === undefined || ofStates === undefined) return undefined;
  const { figures, plannedAtMs, graceMs } = plan;
  const lists = Math.ceil(figures.listedKeys / listPageKeys) + 2;
  const entries = [plan.revive, plan.condemn, plan.sweep, plan.sweepStates].filter((each) => each.length > 0).length;
  const now = (lists * s3ListPrice) / 1000 + (figures.heads * ofStates.gets + entries * ofStates.puts) / 1000;
  const deletions = plan.sweep.length + plan.sweepStates.length + figures.leftovers.count;
  const perMonth = ofPacks.storage / gigabyte;
  const savedNow = (figures.sweep.bytes + figures.leftovers.bytes) * perMonth;
  return {
    storageClass,
    requests: lists + figures.heads + entries + deletions,
    now,
    earlyDeletionNow: earlyDeletion(survey, plan.sweep, ofPacks, plannedAtMs),
    earlyDeletionLater: earlyDeletion(survey, plan.condemn, ofPacks, plannedAtMs + graceMs),
    savedMonthlyNow: savedNow,
    savedMonthlyLater: savedNow + (figures.condemn.bytes + figures.waiting.bytes) * perMonth,
  };
}

/** The price of a plan together with a compaction. */
export function priceWithCompaction(
  price: PlanPrice,
  { requests, bytesToRead, bytesFreed }: CompactionPlan,
): PlanPrice {
  const ofPacks = s3Prices[price.storageClass];
  if (ofPacks === undefined) return price;
  const { gets, heads, puts } = requests;
  return {
    ...price,
    requests: price.requests + gets + heads + puts,
    now:
      price.now +
      ((gets + heads) * ofPacks.gets + puts * ofPacks.puts) / 1000 +
      (bytesToRead / gigabyte) * ofPacks.retrieval,
    savedMonthlyLater: price.savedMonthlyLater + (bytesFreed / gigabyte) * ofPacks.storage,
  };
}

function earlyDeletion({ packs }: Survey, ids: Iterable<PackId>, price: S3Price, deletedAtMs: number): number {
  if (price.minimumDays === 0) return 0;
  let dollars = 0;
  for (const packId of ids) {
    const row = packs.ids.findId(packId);
    const ageDays = (deletedAtMs - packs.modifiedMs(row)) / dayMs;
    if (!(ageDays < price.minimumDays)) continue;
    const leftDays = price.minimumDays - Math.max(0, ageDays);
    dollars += (packs.sizeBytes(row) / gigabyte) * price.storage * (leftDays / monthDays);
  }
  return dollars;
}
