import type { Importer, ScanProblem, ScanRecord } from "#shared/connectors/importer.ts";
import { type Entry, entryTypes } from "#shared/format/entry.ts";
import { decodeTreeNode, type TreeNode } from "#shared/format/tree-node.ts";
import { nodeName } from "#shared/tree/read-tree.ts";
import { newProgress, type Reporter } from "#shared/operations/progress.ts";
import type { Repository } from "#shared/repository/repository.ts";
import { HoldfastError } from "#shared/errors.ts";
import type { SnapshotRecord } from "#shared/log/log-state.ts";
import { type Comparison, compareLoosely } from "./comparison.ts";
import { clampedTime, isUnchanged } from "./entry-of-record.ts";
import { chosenParents, findParents } from "./find-parent.ts";
import { lossesOfSource } from "./losses-of-source.ts";
import { isDoubted } from "./doubts.ts";
import { trustedParents } from "./trusted-parents.ts";
import { PreviousTree } from "./previous-tree.ts";

/** What a backup would do. */
export type BackupPlan = {
  readonly entries: number;
  readonly totalBytes: number;
  readonly unchanged: number;
  /** Files that would be read, and their size. Some of their content may be in the store already. */
  readonly filesToRead: number;
  readonly bytesToRead: number;
  readonly errorCount: number;
};

/** Scans the sources and compares them with the previous snapshot; reads no file and writes nothing. */
export async function planBackup(options: {
  readonly repository: Repository;
  readonly importers: readonly Importer[];
  /** What was asked for and cannot be backed up. */
  readonly problems?: readonly ScanProblem[];
  readonly force: boolean;
  /** As of `backup`. */
  readonly host: string;
  readonly name: string;
  readonly parent?: SnapshotRecord;
  readonly comparison?: Comparison;
  /** As of `backup`. */
  readonly user: string;
  readonly settleMs?: number;
  readonly reporter: Reporter;
  readonly signal?: AbortSignal;
}): Promise<BackupPlan> {
  const { repository, importers, force, reporter, signal } = options;
  const progress = newProgress("backup", "scanning");
  reporter.start(progress);
  const plan = { entries: 0, totalBytes: 0, unchanged: 0, filesToRead: 0, bytesToRead: 0, errorCount: 0 };
  const onProblem = (problem: ScanProblem): void => {
    plan.errorCount++;
    reporter.entryError(problem);
  };
  for (const problem of options.problems ?? []) onProblem(problem);
  const before =
    options.parent === undefined
      ? await findParents(repository, importers, options)
      : await chosenParents(repository, importers, options.parent);
  const trusted = force ? [] : await trustedParents(options, before);
  const reader = await repository.blobReader();
  const readNode = async (nodeId: Uint8Array): Promise<TreeNode> =>
    decodeTreeNode(await reader.readNode(nodeId), `tree node ${nodeName(nodeId)}`);
  for (const [index, importer] of importers.entries()) {
    const previous = new PreviousTree(trusted[index]?.parent.source.tree, readNode);
    const entriesBefore = plan.entries;
    for await (const batch of importer.scan(onProblem)) {
      if (signal?.aborted === true) throw new HoldfastError("interrupted", "The scan was interrupted");
      for (const record of batch) {
        while (previous.needsLeaf) await previous.nextLeaf();
        let entry = previous.seek(record.dir, record.name);
        while (entry === undefined && previous.needsLeaf) {
          await previous.nextLeaf();
          entry = previous.seek(record.dir, record.name);
        }
        progress.entriesDone++;
        progress.currentPath = record.path;
        plan.entries++;
        const size = record.type === entryTypes.file ? record.size : 0;
        plan.totalBytes += size;
        progress.bytesDone += size;
        const doubts = trusted[index]?.doubts;
        const isDoubtful = entry !== undefined && doubts !== undefined && isDoubted(entry, record.path, doubts);
        if (entry !== undefined && !isDoubtful && isKept(entry, record, options.comparison)) {
          plan.unchanged++;
          continue;
        }
        const message = clampedTime(record);
        if (message !== undefined) onProblem({ path: record.path, kind: "metadata", message });
        if (size > 0) {
          plan.filesToRead++;
          plan.bytesToRead += size;
        }
      }
    }
    const was = before[index];
    const entries = plan.entries - entriesBefore;
    if (was !== undefined)
      for (const loss of lossesOfSource({ root: importer.root, options: importer.options, entries }, was))
        onProblem(loss);
  }
  return plan;
}

function isKept(entry: Entry, record: ScanRecord, comparison: Comparison | undefined): boolean {
  if (isUnchanged(entry, record)) return true;
  return comparison !== undefined && compareLoosely(entry, record, comparison) !== "other";
}
