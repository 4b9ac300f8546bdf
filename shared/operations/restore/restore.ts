import { newProgress } from "#shared/operations/progress.ts";
import { warnOfCondemned } from "#shared/operations/warn-of-condemned.ts";
import { snapshotReader } from "#shared/snapshot/snapshot-reader.ts";
import { ItemRestore, type RestoreCounts } from "./item-restore.ts";
import type { RestoreOptions, RestoreReport } from "./restore-options.ts";

/**
 * Restores entries: directories first, content by threads in the order of the packs, metadata of directories last. It is durable when
 * this resolves.
 *
 * Of a snapshot that is removed and swept meanwhile, what is gone is told of as `absent`, and is no damage.
 */
export async function restore(options: RestoreOptions): Promise<RestoreReport> {
  const { repository, snapshot, reporter, signal } = options;
  const startedMs = repository.clock.nowMs();
  const progress = newProgress("restore", "opening");
  reporter.start(progress);
  await repository.loadIndex();
  const reader = await snapshotReader(repository, snapshot);
  const counts: RestoreCounts = {
    entries: 0,
    files: 0,
    kept: 0,
    restoredBytes: 0,
    fetchedBytes: 0,
    failed: 0,
    damaged: 0,
    problems: 0,
    undescribed: 0,
  };
  for (const { item } of options.items) {
    if (item.totalEntries !== undefined) progress.entriesTotal = (progress.entriesTotal ?? 0) + item.totalEntries;
    if (item.totalBytes !== undefined) progress.bytesTotal = (progress.bytesTotal ?? 0) + item.totalBytes;
  }
  progress.phase = "restoring";
  for (const { item, exporter } of options.items) {
    const run = new ItemRestore({
      repository,
      snapshot,
      reader,
      exporter,
      item,
      reporter,
      onEntry: options.onEntry,
      progress,
      counts,
      threads: options.threads,
      inFlightBytes: options.inFlightBytes,
      signal,
    });
    try {
      await run.run();
    } finally {
      await run.close();
    }
  }
  return {
    ...counts,
    condemnedPacks: warnOfCondemned(repository, reporter),
    durationMs: Math.max(0, repository.clock.nowMs() - startedMs),
  };
}
