import type { CheckRequest } from "#agent/commands/engine.ts";
import { check } from "#shared/operations/check/check.ts";
import type { Report } from "#shared/operations/progress.ts";
import type { EngineParts } from "./engine-parts.ts";
import { findRecord } from "./find-snapshots.ts";
import { type Session, threadsOf } from "./session.ts";
import { spareCache } from "./spare-cache.ts";
import { forgetTrees } from "./tree-memory-files.ts";

/** Checks a store, or some of its snapshots, and reports. */
export async function runCheck(
  parts: EngineParts,
  session: Session,
  { snapshots: references, readPercent }: CheckRequest,
): Promise<Report> {
  const { repository, cutOff, suspicion } = session;
  if (cutOff !== undefined) parts.reporter.entryError({ path: "log", kind: "corrupt", message: `${cutOff.message}.` });
  const records = [];
  for (const reference of references) records.push(await findRecord(repository, reference, parts.reporter));
  const report = await check({
    repository,
    snapshots: records.length === 0 ? undefined : records,
    readPercent,
    threads: threadsOf(parts),
    reporter: parts.reporter,
    signal: parts.signal,
  });
  const isDamaged = cutOff !== undefined || report.damagedObjects.length > 0 || report.damagedFiles > 0;
  const { unverified, condemnedPacks, lostEntries, rescuedSnapshots } = report;
  const isDoubtful =
    suspicion !== undefined || rescuedSnapshots + unverified + condemnedPacks.length + lostEntries.length > 0;
  if (isDamaged) forgetTrees(parts.directories.cache, spareCache(parts.reporter));
  return {
    operation: "check",
    outcome: isDamaged ? "corrupt" : isDoubtful ? "partial" : "ok",
    facts: {
      snapshots: report.snapshots,
      packs: report.packs,
      packsRead: report.packsRead,
      blobsVerified: report.blobsVerified,
      bytesVerified: report.bytesVerified,
      fetchedBytes: report.fetchedBytes,
      damagedObjects: report.damagedObjects,
      damagedFiles: report.damagedFiles,
      ...(rescuedSnapshots === 0 ? {} : { snapshotsThatNeedOthers: rescuedSnapshots }),
      unverified: report.unverified,
      ...(report.condemnedPacks.length === 0 ? {} : { condemnedPacks: report.condemnedPacks }),
      ...(report.orphanPacks === 0 ? {} : { orphanPacks: report.orphanPacks, orphanBytes: report.orphanBytes }),
      ...(report.orphanStates === 0 ? {} : { orphanStates: report.orphanStates }),
      ...(report.sweptObjects === 0 ? {} : { sweptObjects: report.sweptObjects }),
      ...(report.lostEntries.length === 0 ? {} : { lostLogEntries: report.lostEntries }),
      durationMs: report.durationMs,
    },
  };
}
