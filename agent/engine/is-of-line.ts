import type { SnapshotLine } from "#agent/arguments/snapshot-reference.ts";
import type { Snapshot } from "#shared/snapshot/read-snapshot.ts";

/** Whether a snapshot is of a host, has a name, and has all of the tags, as far as a line says. */
export function isOfLine({ header }: Snapshot, { host, name, tags }: SnapshotLine): boolean {
  return (
    (host === undefined || header.host === host) &&
    (name === undefined || header.name === name) &&
    tags.every((tag) => header.tags.includes(tag))
  );
}
