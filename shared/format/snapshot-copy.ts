import { decodeCborMap, encodeCbor } from "./cbor.ts";
import { type CommitId, idFromBytes, idToBytes } from "./ids.ts";
import { decodeSnapshotHeader, encodeSnapshotHeader, type SnapshotHeader } from "./snapshot.ts";
import { checkVersion, formatVersions } from "./version.ts";

/**
 * What a state says of its snapshot, once more: a blob of a meta pack, so that packs and key bring back a snapshot whose state is
 * lost. Readers of snapshots never look at it.
 */
export type SnapshotCopy = {
  /** The commit id of the state. */
  readonly commitId: CommitId;
  /** The retention group of the state, 16 bytes. */
  readonly group: Uint8Array;
  /** The header as it was known before the state was made: its duration is shorter by the time that took. */
  readonly header: SnapshotHeader;
};

/** @see FORMAT.md, Snapshot copy */
export function encodeSnapshotCopy(copy: SnapshotCopy): Uint8Array {
  return encodeCbor({
    version: formatVersions.snapshotCopy,
    commitId: idToBytes(copy.commitId),
    group: copy.group,
    header: encodeSnapshotHeader(copy.header),
  });
}

/** @throws {HoldfastError} corrupt: it is none, or damaged; incompatible */
export function decodeSnapshotCopy(bytes: Uint8Array, subject: string): SnapshotCopy {
  const map = decodeCborMap(bytes, subject);
  checkVersion("snapshotCopy", map.integer("version"), subject);
  const copy = {
    commitId: idFromBytes("commit", map.bytes("commitId", 16)),
    group: map.bytes("group", 16),
    header: decodeSnapshotHeader(map.bytes("header"), subject),
  };
  map.end();
  return copy;
}
