import type { SnapshotHeader } from "./snapshot.ts";

/** What a header says in `lost` where a repair found that content of the snapshot is lost. */
const pattern = /^content of ([0-9]{1,15}) paths$/;

/** The kind of such paths in the list of errors. */
export const lostKind = "lost";

/** Paths of a snapshot that cannot be restored whole, as the last repair found it; 0: none. @see FORMAT.md, Repair */
export function lostPathsOf({ lost }: Pick<SnapshotHeader, "lost">): number {
  for (const text of lost) {
    const [, paths] = pattern.exec(text) ?? [];
    if (paths !== undefined) return Number(paths);
  }
  return 0;
}

/** Entries that the backup could not read whole, without those that were lost later. */
export function backupErrorsOf(header: Pick<SnapshotHeader, "lost" | "errorCount">): number {
  return Math.max(0, header.errorCount - lostPathsOf(header));
}

/** The header with that many lost paths, and with the list of errors that names them. */
export function withLosses(
  header: SnapshotHeader,
  losses: { readonly lostPaths: number; readonly errorList: SnapshotHeader["errorList"] },
): SnapshotHeader {
  const { lostPaths, errorList } = losses;
  const others = header.lost.filter((text) => !pattern.test(text));
  return {
    ...header,
    errorCount: backupErrorsOf(header) + lostPaths,
    errorList,
    lost: lostPaths === 0 ? others : [...others, `content of ${lostPaths} paths`],
  };
}
