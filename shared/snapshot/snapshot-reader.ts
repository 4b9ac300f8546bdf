import { HoldfastError, isHoldfastError } from "#shared/errors.ts";
import type { StateId } from "#shared/format/ids.ts";
import type { LogState } from "#shared/log/log-state.ts";
import type { BlobReader } from "#shared/repository/blob-reader.ts";
import type { Repository } from "#shared/repository/repository.ts";

/** What reads single blobs, each verified. */
export type ReadsBlobs = Pick<BlobReader, "readChunk" | "readNode">;

/**
 * A reader of blobs that a snapshot needs. Where they were swept because the snapshot was removed while it is read, it says just that.
 *
 * @param given - what reads them; the reader of the repository when it is left out
 * @throws {HoldfastError} absent (each read): the snapshot was removed, and what is to be read was swept; and as `BlobReader`
 */
export async function snapshotReader(
  repository: Repository,
  stateId: StateId,
  given?: ReadsBlobs,
): Promise<ReadsBlobs> {
  const reader = given ?? (await repository.blobReader());
  const explained = (error: unknown): never => {
    throw explainLoss(error, repository.log, stateId);
  };
  return {
    readNode: (id) => reader.readNode(id).catch(explained),
    readChunk: (id, part) => reader.readChunk(id, part).catch(explained),
  };
}

/**
 * What went wrong when something was read that a snapshot needs: the error, or, where it tells that something is not there any more and the
 * snapshot is removed, an `absent` that says so: that is how things should be, and no damage.
 *
 * @param log - as folded after the loss was met; readers fold what came since before they tell of one
 */
export function explainLoss(error: unknown, log: LogState, stateId: StateId): unknown {
  if (!isHoldfastError(error, "corrupt") || error.detail["isGone"] !== true || !isRemoved(log, stateId)) return error;
  return new HoldfastError(
    "absent",
    `Cannot read all of snapshot ${stateId.slice(0, 8)}: it was removed, and part of it was swept since`,
    { cause: error, detail: { snapshot: stateId }, hint: "Take another snapshot." },
  );
}

/** Whether a snapshot was published, and is removed or swept. */
export function isRemoved(log: LogState, stateId: StateId): boolean {
  return log.snapshots.get(stateId)?.removed !== undefined || log.sweptStates.has(stateId);
}
