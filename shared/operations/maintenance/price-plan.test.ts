import { expect, test } from "vitest";
import { newProgress } from "#shared/operations/progress.ts";
import { planMaintenance } from "./plan-maintenance.ts";
import { priceWithCompaction, pricePlan } from "./price-plan.ts";
import { s3Prices } from "./s3-prices.ts";
import { dayMs, onePackCondemned } from "./small-log.testing.ts";
import { surveyStore } from "./survey-store.ts";

const policy = { graceMs: 7 * dayMs, orphanAgeMs: dayMs, limitShare: 1 };

async function surveyedStore() {
  const { world } = await onePackCondemned();
  world.clock.advance(10 * dayMs);
  const state = await world.log();
  const survey = await surveyStore({ store: world.store, state, progress: newProgress("test") });
  const witnesses = await world.witnesses(state);
  return { survey, plan: planMaintenance(survey, { policy, witnesses, force: false, acceptsLog: false }) };
}

test("a pack that is deleted before the least time of its class is charged for the rest of that time", async () => {
  const { survey, plan } = await surveyedStore();
  expect(plan.sweep.length).toBe(1);
  const bytes = plan.figures.sweep.bytes;
  const price = (storageClass: string) => pricePlan(survey, plan, storageClass);
  expect(price("STANDARD")?.earlyDeletionNow).toBe(0);
  // Ten days old: twenty of thirty days are left, two thirds of a month.
  expect(price("STANDARD_IA")?.earlyDeletionNow).toBeCloseTo(((bytes / 2 ** 30) * 0.0125 * 2) / 3, 15);
  expect(price("GLACIER_IR")?.earlyDeletionNow).toBeCloseTo(((bytes / 2 ** 30) * 0.004 * 80) / 30, 15);
  expect(price("OF_ANOTHER_CLOUD")).toBeUndefined();
});

test("requests are counted, and a compaction adds its own and what it reads", async () => {
  const { survey, plan } = await surveyedStore();
  const price = pricePlan(survey, plan, "STANDARD_IA");
  if (price === undefined) expect.fail("there is a price");
  // 3 listings, 2 heads of states, 2 entries (packs, state), 2 deletions.
  expect(price.requests).toBe(9);
  expect(price.now).toBeCloseTo((3 * 0.005 + 2 * 0.0004 + 2 * 0.005) / 1000, 12);
  const whole = priceWithCompaction(price, {
    groups: [],
    packs: [],
    bytesToRead: 2 ** 30,
    bytesToWrite: 2 ** 29,
    bytesFreed: 2 ** 29,
    requests: { gets: 64, puts: 32, heads: 0 },
    needed: { packs: 0, liveBytes: 0, deadBytes: 0 },
    left: { packs: 0, bytes: 0 },
    unreadable: [],
  });
  expect(whole.requests).toBe(105);
  expect(whole.now - price.now).toBeCloseTo((64 * 0.001 + 32 * 0.01) / 1000 + 0.01, 12);
  expect(whole.savedMonthlyLater - price.savedMonthlyLater).toBeCloseTo(0.0125 / 2, 12);
});

test("classes that must be restored before they are read are marked, and no class costs more than Standard to keep", () => {
  const archives = Object.entries(s3Prices).flatMap(([name, { isArchive }]) => (isArchive ? [name] : []));
  expect(archives).toEqual(["GLACIER", "DEEP_ARCHIVE"]);
  for (const { storage } of Object.values(s3Prices)) expect(storage).toBeLessThanOrEqual(0.023);
});
