import { open } from "#shared/crypto/seal.ts";
import { idToBytes, type StateId } from "#shared/format/ids.ts";
import { decodeSnapshotHeader, type SnapshotHeader } from "#shared/format/snapshot.ts";
import { snapshotAad } from "#shared/format/snapshot-aad.ts";
import type { StateHead } from "#shared/format/state.ts";
import { HoldfastError, isHoldfastError } from "#shared/errors.ts";
import type { Repository } from "#shared/repository/repository.ts";
import type { SnapshotRecord } from "#shared/log/log-state.ts";

/** A snapshot: what the log knows of it and its opened header. */
export type Snapshot = {
  readonly id: StateId;
  readonly record: SnapshotRecord;
  readonly head: StateHead;
  readonly header: SnapshotHeader;
};

/**
 * Opens the header of a published snapshot.
 *
 * @throws {HoldfastError} denied: only an owner may read it
 * @throws {HoldfastError} corrupt: its state or header is damaged
 */
export async function readSnapshot(repository: Repository, record: SnapshotRecord): Promise<Snapshot> {
  const id = record.stateId;
  const head = await repository.head(id);
  const key = await repository.sessionKeys.key(head.snapshotSession);
  const { sealedSnapshot, commitId } = head;
  if (sealedSnapshot.byteLength < 40)
    throw new HoldfastError("corrupt", `Cannot read the header of snapshot ${id}: it ends early`);
  try {
    const opened = open(
      { key, nonce: sealedSnapshot.subarray(0, 24), aad: snapshotAad(repository.storeIdBytes, idToBytes(commitId)) },
      sealedSnapshot.subarray(24),
    );
    return { id, record, head, header: decodeSnapshotHeader(opened, `the header of snapshot ${id}`) };
  } catch (cause) {
    if (!isHoldfastError(cause, "corrupt")) throw cause;
    throw new HoldfastError("corrupt", `Cannot read the header of snapshot ${id}: it does not verify`, { cause });
  }
}

/** The snapshots of a log that are not removed, the newest first. */
export function liveRecords(repository: Repository): SnapshotRecord[] {
  return [...repository.log.snapshots.values()]
    .filter((record) => record.removed === undefined)
    .sort((left, right) => right.seq - left.seq);
}
