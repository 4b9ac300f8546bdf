import { existsSync, realpathSync } from "node:fs";
import { hostname, userInfo } from "node:os";
import { join } from "node:path";
import type { BackupRequest } from "#agent/commands/engine.ts";
import { FilesystemImporter } from "#agent/importers/filesystem-importer.ts";
import { statPath } from "#agent/filesystem/stat-path.ts";
import { programVersion } from "#agent/program-version.ts";
import { HoldfastError } from "#shared/errors.ts";
import { backup } from "#shared/operations/backup/backup.ts";
import { planBackup } from "#shared/operations/backup/plan-backup.ts";
import type { TreeMemory } from "#shared/operations/backup/tree-memory.ts";
import type { Report } from "#shared/operations/progress.ts";
import { distinctRoots } from "./distinct-roots.ts";
import type { EngineParts } from "./engine-parts.ts";
import { giveMemoryBack } from "./lean-memory.ts";
import { openFileJournal } from "./file-journal.ts";
import { findRecord } from "./find-snapshots.ts";
import { keepCheckpoint } from "./keep-checkpoint.ts";
import { spareCache } from "./spare-cache.ts";
import { treeMemoryFiles } from "./tree-memory-files.ts";
import { rememberLog, type Session, threadsOf } from "./session.ts";

/** Packs being stored at once: on a disk of this machine, and far away. */
const uploads = { near: 2, far: 4 };

/** Backs the paths of a request up, and reports. */
export async function runBackup(
  parts: EngineParts,
  open: () => Promise<Session>,
  request: BackupRequest,
): Promise<Report> {
  // The scan begins while the store is being opened.
  const host = request.host ?? hostname();
  const memory = memoryOf(parts, request);
  const importers = importersOf(parts, request, { host, memory });
  try {
    return await backUp(parts, await open(), request, { host, importers, memory });
  } finally {
    await Promise.all(importers.map((importer) => importer.close()));
  }
}

async function backUp(
  parts: EngineParts,
  session: Session,
  request: BackupRequest,
  source: {
    readonly host: string;
    readonly importers: readonly FilesystemImporter[];
    readonly memory: TreeMemory | undefined;
  },
): Promise<Report> {
  const { repository } = session;
  const { host, importers, memory } = source;
  if (request.writer && repository.keys.role !== "writer") {
    throw new HoldfastError("denied", "Cannot back up as a writer: the key given is an owner's", {
      hint: "Make a writer's key file with `holdfast key add --role writer --out FILE`.",
    });
  }
  const common = { repository, importers, force: request.force, reporter: parts.reporter, signal: parts.signal };
  if (request.dryRun) {
    const plan = await planBackup(common);
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
        errors: plan.errorCount,
      },
    };
  }
  const journal = openFileJournal(join(parts.directories.data, "journals", repository.config.storeId), parts.reporter);
  try {
    const report = await backup({
      ...common,
      host,
      user: userName(),
      name: request.name ?? "default",
      tags: request.tags,
      program: `holdfast ${programVersion()}`,
      threads: threadsOf(parts),
      uploads: parts.storeDirectory === undefined ? uploads.far : uploads.near,
      journal,
      ...(memory === undefined ? {} : { memory }),
      releaseMemory: giveMemoryBack,
      ...(request.parent === undefined ? {} : { parent: findRecord(repository, request.parent) }),
    });
    rememberLog(parts, repository);
    await keepCheckpoint(repository, parts);
    rememberLog(parts, repository);
    return {
      operation: "backup",
      outcome: report.errorCount > 0 ? "partial" : "ok",
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
        ...(report.changedWhileRead === 0 ? {} : { changedWhileRead: report.changedWhileRead }),
        errors: report.errorCount,
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
  if (!parts.useCache || request.dryRun) return undefined;
  return treeMemoryFiles(parts.directories, parts.store.description, spareCache(parts.reporter));
}

function importersOf(
  parts: EngineParts,
  request: BackupRequest,
  { host, memory }: { readonly host: string; readonly memory: TreeMemory | undefined },
): FilesystemImporter[] {
  const { paths, excludes, oneFileSystem, xattrs } = request;
  // All are looked at before a scan begins: an importer that is made must be closed.
  for (const path of paths) statPath(path);
  const skip = storePaths(parts);
  return distinctRoots(paths, { oneFileSystem }).map(
    (root) =>
      new FilesystemImporter({
        root,
        host,
        excludes,
        oneFileSystem,
        xattrs,
        skip,
        known: request.force ? undefined : memory?.recall(root),
      }),
  );
}

/** A store does not back itself up. */
function storePaths(parts: EngineParts): string[] {
  const { storeDirectory } = parts;
  if (storeDirectory === undefined || !existsSync(storeDirectory)) return [];
  return [storeDirectory, realpathSync(storeDirectory)].map((path) => Buffer.from(path, "utf8").toString("latin1"));
}
