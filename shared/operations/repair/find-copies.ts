import { directoryRowBytes } from "#shared/format/directory.ts";
import type { CommitId, PackId } from "#shared/format/ids.ts";
import { decodeSnapshotCopy, type SnapshotCopy } from "#shared/format/snapshot-copy.ts";
import { isHoldfastError } from "#shared/errors.ts";
import type { Repository } from "#shared/repository/repository.ts";
import { type PackContents, readPackContents } from "#shared/repository/read-pack-contents.ts";

/** Longest blob that is tried as a snapshot copy, bytes. */
const copyMaxBytes = 4 * 1024 * 1024;

/** Opens the blobs of meta packs and gives those that are snapshot copies, by commit id. */
export async function findCopies(
  repository: Repository,
  packs: Iterable<PackContents> | AsyncIterable<PackContents>,
): Promise<Map<CommitId, SnapshotCopy>> {
  const copies = new Map<CommitId, SnapshotCopy>();
  const reader = await repository.blobReader();
  for await (const { pack, directories } of packs) {
    if (pack.kind !== "meta") continue;
    for (const directory of directories) {
      const view = new DataView(directory.buffer, directory.byteOffset, directory.byteLength);
      for (let at = 0; at < directory.byteLength; at += directoryRowBytes) {
        if (view.getUint32(at + 32, true) > copyMaxBytes) continue;
        const copy = await asCopy(() => reader.readNode(directory.subarray(at, at + 32)));
        if (copy !== undefined) copies.set(copy.commitId, copy);
      }
    }
  }
  return copies;
}

async function asCopy(read: () => Promise<Uint8Array>): Promise<SnapshotCopy | undefined> {
  try {
    const bytes = await read();
    return bytes[0] === 1 ? undefined : decodeSnapshotCopy(bytes, "a blob");
  } catch (error) {
    if (!isHoldfastError(error, "corrupt", "incompatible")) throw error;
    return undefined;
  }
}

/** What the meta packs that states add say of themselves, one after the other; those that cannot be read are passed over. */
export async function* claimedMetaPacks(
  repository: Repository,
  packSizes: ReadonlyMap<PackId, number>,
  loose: ReadonlyMap<PackId, unknown>,
): AsyncGenerator<PackContents> {
  for (const { packId, kind } of repository.segments.packs) {
    const sizeBytes = packSizes.get(packId);
    if (kind !== "meta" || sizeBytes === undefined || loose.has(packId)) continue;
    try {
      yield await readPackContents(repository, packId, sizeBytes);
    } catch (error) {
      if (!isHoldfastError(error, "corrupt", "absent")) throw error;
    }
  }
}
