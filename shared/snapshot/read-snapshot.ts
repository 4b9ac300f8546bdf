import { open } from "#shared/crypto/seal.ts";
import { idToBytes, type StateId } from "#shared/format/ids.ts";
import { decodeSnapshotHeader, type SnapshotHeader } from "#shared/format/snapshot.ts";
import { snapshotAad } from "#shared/format/snapshot-aad.ts";
import type { SealedHeader } from "#shared/format/checkpoint-headers.ts";
import { HoldfastError, isHoldfastError } from "#shared/errors.ts";
import type { Repository } from "#shared/repository/repository.ts";
import type { SnapshotRecord } from "#shared/log/log-state.ts";
import { byPlaceDescending } from "#shared/log/repaired-commit-id.ts";

/** A snapshot: what the log knows of it and its opened header. */
export type Snapshot = {
  readonly id: StateId;
  readonly record: SnapshotRecord;
  readonly header: SnapshotHeader;
};

/**
 * Opens the header of a published snapshot: as a checkpoint has it, or else from its state.
 *
 * @throws {HoldfastError} denied: only an owner may read it
 * @throws {HoldfastError} absent: it was removed, and its state swept
 * @throws {HoldfastError} corrupt: its state or header is damaged
 */
export async function readSnapshot(repository: Repository, record: SnapshotRecord): Promise<Snapshot> {
  try {
    return await readPublished(repository, record);
  } catch (error) {
    if (!isHoldfastError(error, "corrupt")) throw error;
    // Where the log cannot be read now, what is known of it must do: whoever asks for a snapshot is told of the snapshot.
    await repository.refresh().catch(() => undefined);
    if (!repository.log.sweptStates.has(record.stateId)) throw error;
    throw new HoldfastError("absent", `Cannot read snapshot ${record.stateId}: it was removed and swept`, {
      cause: error,
      detail: { snapshot: record.stateId },
      hint: "Take another snapshot.",
    });
  }
}

async function readPublished(repository: Repository, record: SnapshotRecord): Promise<Snapshot> {
  const { states } = repository;
  try {
    return await openHeader(repository, record, await repository.header(record));
  } catch (error) {
    if (!isHoldfastError(error, "corrupt") || !states.isCheckpointed(record.stateId)) throw error;
    const own = await states.ownHeader(record);
    repository.sessionKeys.addEnvelope(own.session);
    return openHeader(repository, record, own);
  }
}

async function openHeader(
  repository: Repository,
  record: SnapshotRecord,
  { session, sealedSnapshot }: SealedHeader,
): Promise<Snapshot> {
  const id = record.stateId;
  const key = await repository.sessionKeys.key(session.sessionId);
  if (sealedSnapshot.byteLength < 40)
    throw new HoldfastError("corrupt", `Cannot read the header of snapshot ${id}: it ends early`);
  try {
    const aad = snapshotAad(repository.storeIdBytes, idToBytes(record.commitId));
    const opened = open({ key, nonce: sealedSnapshot.subarray(0, 24), aad }, sealedSnapshot.subarray(24));
    return { id, record, header: decodeSnapshotHeader(opened, `the header of snapshot ${id}`) };
  } catch (cause) {
    if (!isHoldfastError(cause, "corrupt")) throw cause;
    throw new HoldfastError("corrupt", `Cannot read the header of snapshot ${id}: it does not verify`, { cause });
  }
}

/** The snapshots of a log that are not removed, the newest first. */
export function liveRecords(repository: Repository): SnapshotRecord[] {
  return [...repository.log.snapshots.values()]
    .filter((record) => record.removed === undefined)
    .sort(byPlaceDescending);
}

/** Snapshots that were removed and whose states are still there, newest first by their place in the log. */
export function removedRecords(repository: Repository): SnapshotRecord[] {
  return [...repository.log.snapshots.values()]
    .filter((record) => record.removed !== undefined)
    .sort(byPlaceDescending);
}
