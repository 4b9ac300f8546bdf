import { expect, test } from "vitest";
import { describeReport } from "./describe-report.ts";

const mebibyte = 1024 * 1024;
const dayMs = 24 * 3_600_000;

test("a maintenance is told in words: what was marked, when it can be deleted, what was freed", () => {
  const facts = {
    dryRun: false,
    packs: 20,
    bytesOfPacks: 102 * mebibyte,
    neededPacks: 1,
    neededBytes: 36 * mebibyte,
    condemnedPacks: 2,
    condemnedBytes: 54 * 1024,
    orphanPacks: 1,
    orphanBytes: 50 * 1024,
    sweptPacks: 3,
    sweptStates: 1,
    deletedObjects: 4,
    freedBytes: 10 * mebibyte,
    waitingPacks: 14,
    waitingBytes: 5 * mebibyte,
    nextSweepAtMs: Date.UTC(2026, 11, 8, 12),
    youngObjects: 18,
    youngBytes: 300 * mebibyte,
    checkpoint: 16,
    logEntries: 3,
    graceMs: 7 * dayMs,
    requestsPlanned: 37,
  };
  expect(describeReport({ operation: "maintenance", outcome: "ok", facts })).toEqual([
    "maintenance: done",
    "  stored                  20 packs, 102 MiB",
    "  needed by snapshots     1 pack, 36.0 MiB",
    "  marked for deletion     2 packs, 54.0 KiB; can be deleted 7 days from now",
    "  of interrupted backups  1 pack, 50.0 KiB",
    expect.stringMatching(/^ {2}marked before {11}14 packs, 5\.00 MiB; can be deleted from 2026-12-08 .* on$/),
    "  deleted                 4 objects, 10.0 MiB freed",
    "  of unfinished backups   18 objects, 300 MiB; kept for --orphan-age",
    "  grace period            7 days",
    "  checkpoint              16",
    "  requests planned        37",
  ]);
});

test("a run that did nothing says so, and how it ended", () => {
  const facts = { dryRun: true, packs: 0, bytesOfPacks: 0, condemnedPacks: 0, deletedObjects: 0, graceMs: 1000 };
  const ending = "stopped by the safety limit, see above";
  expect(describeReport({ operation: "maintenance", outcome: "partial", ending, facts })).toEqual([
    "maintenance: stopped by the safety limit, see above",
    "  dry run              nothing was changed; this is what would be done",
    "  stored               none",
    "  needed by snapshots  none",
    "  marked for deletion  none",
    "  deleted              none",
    "  grace period         1.0 s",
  ]);
});
