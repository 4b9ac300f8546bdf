import { hostname, userInfo } from "node:os";
import { join } from "node:path";
import type { BackupRequest } from "#agent/commands/engine.ts";
import { programVersion } from "#agent/program-version.ts";
import { HoldfastError } from "#shared/errors.ts";
import { backup } from "#shared/operations/backup/backup.ts";
import { planBackup } from "#shared/operations/backup/plan-backup.ts";
import type { TreeMemory } from "#shared/operations/backup/tree-memory.ts";
import type { Report } from "#shared/operations/progress.ts";
import { type BackupSources, backupSources } from "./backup-sources.ts";
import type { EngineParts } from "./engine-parts.ts";
import { giveMemoryBack } from "./lean-memory.ts";
import { openFileJournal } from "./file-journal.ts";
import { findRecord } from "./find-snapshots.ts";
import { keepCheckpoint } from "./keep-checkpoint.ts";
import { spareCache } from "./spare-cache.ts";
import { treeMemoryFiles } from "./tree-memory-files.ts";
import { rememberLog, type Session, threadsOf } from "./session.ts";
import { unmetSources } from "./unmet-sources.ts";

/** Packs being stored at once: on a disk of this machine, and far away. */
const uploads = { near: 2, far: 4 };

const unmetMessage = "It is not in the snapshot: the directories that lead to it changed while they were read.";

/** Backs the paths of a request up, and reports. */
export async function runBackup(
  parts: EngineParts,
  open: () => Promise<Session>,
  request: BackupRequest,
): Promise<Report> {
  // The scan begins while the store is being opened.
  const host = request.host ?? hostname();
  const memory = memoryOf(parts, request);
  const sources = backupSources(request, { host, memory, storeDirectory: parts.storeDirectory });
  try {
    const session = await open();
    for (const notice of sources.notices) parts.reporter.notice(notice);
    return await backUp(parts, session, request, { host, memory, sources });
  } finally {
    await Promise.all(sources.importers.map((importer) => importer.close()));
  }
}

async function backUp(
  parts: EngineParts,
  session: Session,
  request: BackupRequest,
  source: { readonly host: string; readonly memory: TreeMemory | undefined; readonly sources: BackupSources },
): Promise<Report> {
  const { repository } = session;
  const { host, memory, sources } = source;
  const { importers, problems } = sources;
  if (request.writer && repository.keys.role !== "writer") {
    throw new HoldfastError("denied", "Cannot back up as a writer: the key given is an owner's", {
      hint: "Make a writer's key file with `holdfast key add --role writer --out FILE`.",
    });
  }
  const { force, ignoreInode = false, ignoreCtime = false } = request;
  const name = request.name ?? "default";
  const common = {
    repository,
    importers,
    problems,
    host,
    user: userName(),
    name,
    force,
    ...(parts.settleMs === undefined ? {} : { settleMs: parts.settleMs }),
    ...(ignoreInode || ignoreCtime ? { comparison: { ignoreInode, ignoreCtime } } : {}),
    ...(request.parent === undefined ? {} : { parent: await findRecord(repository, request.parent, parts.reporter) }),
    reporter: parts.reporter,
    signal: parts.signal,
  };
  if (request.dryRun) {
    const plan = await planBackup(common);
    const findings = sources.tell(parts.reporter, plan.totalBytes);
    return {
      operation: "backup",
      outcome: plan.errorCount > 0 ? "partial" : "ok",
      facts: {
        dryRun: true,
        entries: plan.entries,
        sizeBytes: plan.totalBytes,
        unchanged: plan.unchanged,
        filesToRead: plan.filesToRead,
        bytesToRead: plan.bytesToRead,
        ...findings,
        errors: plan.errorCount,
      },
    };
  }
  const journal = openFileJournal(join(parts.directories.data, "journals", repository.config.storeId), parts.reporter);
  try {
    const report = await backup({
      ...common,
      ...(request.rereadPercent === undefined ? {} : { rereadPercent: request.rereadPercent }),
      tags: request.tags,
      program: `holdfast ${programVersion()}`,
      threads: threadsOf(parts),
      uploads: parts.storeDirectory === undefined ? uploads.far : uploads.near,
      journal,
      ...(memory === undefined ? {} : { memory }),
      releaseMemory: giveMemoryBack,
    });
    rememberLog(parts, repository);
    const unmet = await unmetSources(repository, report.snapshotId, sources.brought);
    for (const { root } of unmet) parts.reporter.entryError({ path: root, kind: "absent", message: unmetMessage });
    const findings = sources.tell(parts.reporter, report.totalBytes);
    const unsteady = request.strict === true ? report.changedWhileRead + report.differing : 0;
    await keepCheckpoint(repository, parts);
    rememberLog(parts, repository);
    return {
      operation: "backup",
      outcome: report.errorCount + unmet.length + unsteady > 0 ? "partial" : "ok",
      facts: {
        snapshot: report.snapshotId,
        ...(report.parentId === undefined ? {} : { parent: report.parentId }),
        entries: report.entries,
        sizeBytes: report.totalBytes,
        unchanged: report.unchanged,
        changed: report.changed,
        newBytes: report.newBytes,
        storedBytes: report.storedBytes,
        ...(report.adoptedPacks === 0 ? {} : { adoptedPacks: report.adoptedPacks }),
        ...(request.rereadPercent === undefined ? {} : { reread: report.reread, contentDiffers: report.differing }),
        ...(report.changedWhileRead === 0 ? {} : { changedWhileRead: report.changedWhileRead }),
        ...findings,
        errors: report.errorCount + unmet.length,
        durationMs: report.durationMs,
      },
    };
  } finally {
    journal.close();
  }
}

/** The name of the user who runs this; the number of one whom the system does not know, as in containers. */
function userName(): string {
  try {
    return userInfo().username;
  } catch {
    return String(process.getuid?.() ?? "unknown");
  }
}

/** What a plan looks at is not remembered. */
function memoryOf(parts: EngineParts, request: BackupRequest): TreeMemory | undefined {
  if (!parts.useCache || request.dryRun || request.stream !== undefined) return undefined;
  return treeMemoryFiles(parts.directories, parts.store.description, spareCache(parts.reporter));
}
