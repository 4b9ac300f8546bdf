import type { RepairRequest } from "#agent/commands/engine.ts";
import { HoldfastError } from "#shared/errors.ts";
import type { Report, Reporter } from "#shared/operations/progress.ts";
import { executeRepair, type RepairReport } from "#shared/operations/repair/execute-repair.ts";
import { planRepair } from "#shared/operations/repair/plan-repair.ts";
import { repairLimit } from "#shared/operations/repair/repair-limit.ts";
import type { Finding, RepairPlan } from "#shared/operations/repair/repair-plan.ts";
import { systemClock } from "#shared/clock.ts";
import type { EngineParts } from "./engine-parts.ts";
import { openDamaged } from "./open-damaged.ts";
import { threadsOf } from "./session.ts";
import { spareCache } from "./spare-cache.ts";
import { forgetTrees } from "./tree-memory-files.ts";

/** Looks for damage in a store and tells of it; where it is asked to, mends it. */
export async function runRepair(parts: EngineParts, request: RepairRequest): Promise<Report> {
  const { reporter, signal } = parts;
  const startedMs = systemClock.nowMs();
  const { repository, log, beside, rollback, remember } = await openDamaged(parts, request.apply ? "write" : "read");
  if (rollback !== undefined) {
    if (request.apply && !parts.acceptRollback) throw refusal(rollback);
    reporter.notice({ level: "warning", message: `${parts.acceptRollback ? "Accepted: " : ""}${rollback.message}` });
  }
  const plan = await planRepair({
    repository,
    log,
    beside,
    read: request.read,
    isCutOff: rollback !== undefined,
    threads: threadsOf(parts),
    reporter,
    signal,
  });
  for (const finding of plan.findings) tell(reporter, finding);
  if (plan.findings.some((each) => each.remedy !== "noted"))
    forgetTrees(parts.directories.cache, spareCache(parts.reporter));
  const limit = request.apply && !request.force ? repairLimit(plan) : undefined;
  if (limit !== undefined) throw limit;
  const done = request.apply ? await executeRepair(plan, { dropLost: request.dropLost, signal }) : undefined;
  if (done !== undefined) remember(done.log);
  for (const [old, id] of done?.renamed ?? [])
    reporter.notice({ level: "info", message: `Snapshot ${old} is ${id} now` });
  for (const id of done?.broughtBack ?? []) reporter.notice({ level: "info", message: `Snapshot ${id} is back` });
  if (!request.read) {
    const message = "The content of packs was not read: damage inside them is found with --read only.";
    reporter.notice({ level: "info", message });
  }
  return {
    operation: "repair",
    outcome: outcomeOf(plan, done, rollback !== undefined),
    facts: { ...factsOf(plan, done), durationMs: Math.max(0, systemClock.nowMs() - startedMs) },
  };
}

function refusal(rollback: HoldfastError): HoldfastError {
  return new HoldfastError("corrupt", rollback.message, {
    detail: rollback.detail,
    hint: "Find out which copy is the true one. To repair this one, and forget what was seen, add --accept-rollback.",
    cause: rollback,
  });
}

function tell(reporter: Reporter, { remedy, object, message, paths }: Finding): void {
  if (remedy === "noted") {
    reporter.notice({ level: "info", message: `${object}: ${message}` });
    return;
  }
  reporter.entryError({ path: object, kind: remedy === "lost" ? "lost" : "corrupt", message });
  const snapshot = object.startsWith("snapshot ") ? `${object.slice("snapshot ".length).slice(0, 8)}:` : "";
  for (const path of paths)
    reporter.entryError({ path: `${snapshot}${path}`, kind: "lost", message: "It cannot be restored whole." });
}

/** Dry: what is damaged. Applied: what could not be mended. */
function outcomeOf(plan: RepairPlan, done: RepairReport | undefined, isRolledBack: boolean): Report["outcome"] {
  const lost = plan.findings.filter((each) => each.remedy === "lost");
  if (done === undefined) {
    if (plan.findings.some((each) => each.remedy !== "noted") || isRolledBack) return "corrupt";
    return "ok";
  }
  const isDropped = done.removedSnapshots.length === plan.lostSnapshots.length;
  const isLeft = done.leftPacks.length > 0;
  return lost.length - (isDropped ? plan.lostSnapshots.length : 0) > 0 || isLeft ? "partial" : "ok";
}

function factsOf(plan: RepairPlan, done: RepairReport | undefined): Report["facts"] {
  const of = (remedy: Finding["remedy"]): readonly Finding[] => plan.findings.filter((each) => each.remedy === remedy);
  const lostPaths = plan.restatements.reduce((sum, each) => sum + each.needs.lostCount, 0);
  if (done === undefined) {
    return {
      damaged: of("mended").length + of("lost").length,
      canBeMended: of("mended").length,
      lost: of("lost").map((each) => each.object),
      ...(lostPaths === 0 ? {} : { lostPaths }),
    };
  }
  return {
    mended: of("mended").length,
    lost: of("lost").map((each) => each.object),
    ...(lostPaths === 0 ? {} : { lostPaths }),
    newStates: done.renamed.size,
    broughtBack: done.broughtBack.length + plan.recoveredLog.snapshots.size - plan.log.state.snapshots.size,
    condemnedPacks: done.condemnedPacks.length,
    ...(done.leftPacks.length === 0 ? {} : { stillNeededPacks: done.leftPacks }),
    removedSnapshots: done.removedSnapshots.length,
    savedBlobs: done.savedBlobs,
    storedBytes: done.storedBytes,
  };
}
