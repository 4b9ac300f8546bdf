import type { StateId } from "#shared/format/ids.ts";
import type { SnapshotHeader } from "#shared/format/snapshot.ts";

/** Milliseconds since 1970 of the last day that four digits can write a year of. */
const lastMs = Date.UTC(9999, 11, 31, 23, 59, 59);
/** Digits of the id that end a name. */
const idDigits = 8;

/**
 * The name of a snapshot's directory: time (UTC), host, beginning of the id, as `2026-11-20-073412-web1-3f2ac1de`. Names sort by time. Of
 * a-z, 0-9 and "-", 26 to 63 characters, so that it can name an S3 bucket as well.
 */
export function snapshotName(id: StateId, header: Pick<SnapshotHeader, "timeMs" | "host">): string {
  const time = new Date(Math.max(0, Math.min(lastMs, header.timeMs))).toISOString();
  const host = header.host
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, "-")
    .slice(0, 36)
    .replaceAll(/^-|-$/g, "");
  return [
    time.slice(0, 10),
    time.slice(11, 19).replaceAll(":", ""),
    ...(host === "" ? [] : [host]),
    id.slice(0, idDigits),
  ].join("-");
}

/** The beginning of the id that such a name ends with; undefined: it is no such name. */
export function idPrefixInName(name: string): string | undefined {
  return /^\d{4}-\d\d-\d\d-\d{6}-(?:[a-z0-9-]+-)?([0-9a-f]{8})$/.exec(name)?.[1];
}
