import { lostPathsOf } from "#shared/format/content-losses.ts";
import { isRepaired } from "#shared/log/repaired-commit-id.ts";
import type { Snapshot } from "#shared/snapshot/read-snapshot.ts";
import { snapshotName } from "./snapshot-name.ts";
import type { SnapshotSummary } from "./view.ts";

/** A snapshot as lists show it. */
export function summariseSnapshot({ id, record, header }: Snapshot): SnapshotSummary {
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
    lostPaths: lostPathsOf(header),
    isRepaired: isRepaired(record),
  };
}
