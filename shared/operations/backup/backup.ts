import type { Importer } from "#shared/connectors/importer.ts";
import { encodeErrorList } from "#shared/format/error-list.ts";
import { decodeTreeNode, type TreeNode } from "#shared/format/tree-node.ts";
import type { SnapshotHeader, SnapshotSource, TreeRoot } from "#shared/format/snapshot.ts";
import { nodeName } from "#shared/tree/read-tree.ts";
import { newProgress, type Reporter } from "#shared/operations/progress.ts";
import type { Repository } from "#shared/repository/repository.ts";
import type { SnapshotRecord } from "#shared/log/log-state.ts";
import { sha256 } from "#shared/crypto/sha256.ts";
import { adoptPacks } from "./adopt-packs.ts";
import { BackupRun } from "./backup-run.ts";
import { backupSource } from "./backup-source.ts";
import { forgetMissingPacks } from "./forget-missing-packs.ts";
import { findParents, type ParentSource } from "./find-parent.ts";
import type { Journal } from "./journal.ts";
import { SessionWriter } from "./session-writer.ts";

/** What to back up, and how. */
export type BackupOptions = {
  readonly repository: Repository;
  readonly importers: readonly Importer[];
  readonly host: string;
  readonly user: string;
  readonly name: string;
  readonly tags: readonly string[];
  readonly program: string;
  /** Whether all files are read, even those that look unchanged. */
  readonly force: boolean;
  /** The snapshot to compare with; undefined: for each source the newest that has it. */
  readonly parent?: SnapshotRecord;
  /** Threads that read, compress and seal. */
  readonly threads: number;
  /** Packs stored at once. */
  readonly uploads: number;
  readonly journal?: Journal;
  /** Gives memory that was freed back to the system. */
  readonly releaseMemory?: () => void;
  readonly reporter: Reporter;
  readonly signal?: AbortSignal;
};

/** What a backup did. */
export type BackupReport = {
  readonly snapshotId: string;
  readonly seq: number;
  readonly parentId: string | undefined;
  readonly entries: number;
  readonly totalBytes: number;
  readonly unchanged: number;
  readonly changed: number;
  /** Content that was not in the store before, as plaintext. */
  readonly newBytes: number;
  /** Bytes sent to the store. */
  readonly storedBytes: number;
  /** Packs taken over from an interrupted backup. */
  readonly adoptedPacks: number;
  readonly errorCount: number;
  readonly changedWhileRead: number;
  readonly durationMs: number;
};

/**
 * Makes a snapshot of one or more sources.
 *
 * Packs first, then the state, then the log entry: a failure before the last leaves no snapshot. What could not be read is in the
 * snapshot's error list and counted in the report; the rest is there.
 *
 * @throws {HoldfastError} interrupted, unavailable, conflict …: there is no snapshot
 */
export async function backup(options: BackupOptions): Promise<BackupReport> {
  const { repository, importers, reporter } = options;
  const { clock } = repository;
  const startedMs = clock.nowMs();
  const progress = newProgress("backup", "opening");
  reporter.start(progress);
  await repository.loadIndex();
  for (const { stateId, error } of repository.problems) {
    reporter.notice({ level: "warning", message: `State ${stateId} cannot be read and is not used: ${error.message}` });
  }
  await forgetMissingPacks(repository, reporter);
  const adopted = await adoptPacks(repository, options.journal?.left ?? []);
  const parents = options.force
    ? importers.map(() => undefined)
    : await findParents(repository, importers, options.parent);
  // What was there last time is a fair guess at what there is to do.
  for (const parent of parents) {
    if (parent === undefined) continue;
    progress.entriesTotal = (progress.entriesTotal ?? 0) + parent.source.tree.entries;
    progress.bytesTotal = (progress.bytesTotal ?? 0) + parent.source.tree.totalBytes;
  }
  const session = await SessionWriter.begin({
    repository,
    adopted,
    journal: options.journal,
    releaseMemory: options.releaseMemory,
    uploads: options.uploads,
  });
  const run = new BackupRun({ session, progress, reporter, threads: options.threads, signal: options.signal });
  try {
    progress.phase = "backing up";
    const sources: SnapshotSource[] = [];
    for (const [index, importer] of importers.entries()) {
      sources.push(await backupOne(run, importer, parents[index]));
    }
    progress.phase = "storing";
    const overflowRows = await run.finishContent();
    const errorList = run.errors.length === 0 ? undefined : session.writeBlob(encodeErrorList(run.errors));
    await session.finishPacks();
    progress.bytesStored = session.packs.storedBytes;
    progress.phase = "publishing";
    const header: SnapshotHeader = {
      timeMs: startedMs,
      durationMs: Math.max(0, clock.nowMs() - startedMs),
      host: options.host,
      user: options.user,
      name: options.name,
      tags: options.tags,
      program: options.program,
      sources,
      parent: parents.find((each) => each !== undefined)?.snapshot.id,
      errorCount: run.counts.errors,
      errorList,
      lost: [...new Set(importers.flatMap((importer) => importer.lost))],
    };
    const published = await session.publish(header, {
      overflowRows,
      group: groupOf(options, repository),
      ...(options.signal === undefined ? {} : { signal: options.signal }),
    });
    return {
      snapshotId: published.snapshotId,
      seq: published.seq,
      parentId: header.parent,
      entries: sources.reduce((sum, source) => sum + source.tree.entries, 0),
      totalBytes: sources.reduce((sum, source) => sum + source.tree.totalBytes, 0),
      unchanged: run.counts.unchanged,
      changed: run.counts.changed,
      newBytes: run.counts.newBytes,
      storedBytes: session.packs.storedBytes + published.stateBytes,
      adoptedPacks: adopted.packs.length,
      errorCount: run.counts.errors,
      changedWhileRead: run.counts.changedWhileRead,
      durationMs: Math.max(0, clock.nowMs() - startedMs),
    };
  } finally {
    await run.close();
    await session.packs.settle();
  }
}

async function backupOne(
  run: BackupRun,
  importer: Importer,
  parent: ParentSource | undefined,
): Promise<SnapshotSource> {
  const { repository } = run.session;
  await run.useImporter(importer);
  let tree: TreeRoot;
  if (parent === undefined) tree = await backupSource(run, importer, undefined);
  else {
    const reader = await repository.blobReader();
    const readNode = async (nodeId: Uint8Array): Promise<TreeNode> =>
      decodeTreeNode(await reader.readNode(nodeId), `tree node ${nodeName(nodeId)}`);
    tree = await backupSource(run, importer, { root: parent.source.tree, readNode, reader });
  }
  return {
    type: importer.type,
    origin: importer.origin,
    root: importer.root,
    options: importer.options,
    tree,
    userNames: importer.userNames(),
    groupNames: importer.groupNames(),
  };
}

/** What snapshots of one retention group share, without telling what: a keyed hash of host, name and roots. */
function groupOf(options: BackupOptions, repository: Repository): Uint8Array {
  const { host, name, importers } = options;
  const text = JSON.stringify([host, name, importers.map((importer) => importer.root)]);
  return sha256(repository.requireKey("idKey"), Buffer.from(`holdfast/v1/group\0${text}`, "utf8")).slice(0, 16);
}
