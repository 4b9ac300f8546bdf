import type { Snapshot } from "#shared/snapshot/read-snapshot.ts";
import { snapshotName } from "./snapshot-name.ts";
import type { SnapshotSummary } from "./view.ts";

/** A snapshot as lists show it. */
export function summariseSnapshot({ id, header }: Snapshot): SnapshotSummary {
  return {
    directory: snapshotName(id, header),
    id,
    timeMs: header.timeMs,
    durationMs: header.durationMs,
    host: header.host,
    user: header.user,
    name: header.name,
    tags: header.tags,
    roots: header.sources.map((source) => source.root),
    entries: header.sources.reduce((sum, source) => sum + source.tree.entries, 0),
    totalBytes: header.sources.reduce((sum, source) => sum + source.tree.totalBytes, 0),
    errorCount: header.errorCount,
  };
}
