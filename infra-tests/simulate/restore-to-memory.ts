import { entryPath } from "#shared/format/entry.ts";
import type { SnapshotRecord } from "#shared/log/log-state.ts";
import { type EntryError, silentReporter } from "#shared/operations/progress.ts";
import { restore } from "#shared/operations/restore/restore.ts";
import type { Repository } from "#shared/repository/repository.ts";
import { readSnapshot } from "#shared/snapshot/read-snapshot.ts";
import { snapshotReader } from "#shared/snapshot/snapshot-reader.ts";
import { SnapshotTree } from "#shared/snapshot/snapshot-tree.ts";
import { readSubtree } from "#shared/tree/read-tree.ts";
import { memoryExporter, type RestoredFiles } from "./memory-exporter.ts";

/** Restores a snapshot, by the real operation. @returns the files, and what could not be restored */
export async function restoreToMemory(
  repository: Repository,
  record: SnapshotRecord,
): Promise<{ readonly files: RestoredFiles; readonly errors: readonly EntryError[] }> {
  const files: RestoredFiles = new Map();
  const errors: EntryError[] = [];
  const snapshot = await readSnapshot(repository, record);
  const tree = new SnapshotTree(snapshot, await snapshotReader(repository, record.stateId));
  await restore({
    repository,
    snapshot: record.stateId,
    items: snapshot.header.sources.map((source) => ({
      item: {
        entries: (onLost) => readSubtree(source.tree, tree.readNode, "", { onLost }),
        targetOf: entryPath,
        ancestors: [],
        totalEntries: undefined,
        totalBytes: undefined,
      },
      exporter: memoryExporter(files),
    })),
    threads: 1,
    inFlightBytes: 1 << 20,
    reporter: { ...silentReporter, entryError: (error) => void errors.push(error) },
  });
  return { files, errors };
}
