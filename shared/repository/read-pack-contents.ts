import type { PackId } from "#shared/format/ids.ts";
import { readPackTableRow } from "#shared/format/pack.ts";
import type { SessionEnvelope, StatePack } from "#shared/format/state.ts";
import { readPackEnd } from "#shared/log/read-pack-end.ts";
import { openDirectory } from "./open-directory.ts";
import type { Repository } from "./repository.ts";

/** What a pack says of itself, without any state. */
export type PackContents = {
  readonly pack: StatePack;
  readonly sessions: readonly SessionEnvelope[];
  /** The blobs of each segment, in the order of the table: rows of id 32 and length u32. */
  readonly directories: readonly Uint8Array[];
};

/**
 * Reads what a pack says of itself: its table, its sessions and the directories of its segments, which the index key opens.
 *
 * Three requests. Segments are not read. Memory: the end of the pack.
 *
 * @throws {HoldfastError} corrupt or incompatible: it is no whole pack of this store; absent
 */
export async function readPackContents(
  repository: Repository,
  packId: PackId,
  sizeBytes: number,
): Promise<PackContents> {
  const { store, config, storeIdBytes: storeId } = repository;
  const end = await readPackEnd(store, config.storeId, { packId, sizeBytes });
  const { kind, table } = end.pack;
  const indexKey = repository.requireKey("indexKey");
  const directories = end.directories.map((sealed, row) =>
    openDirectory(sealed, { storeId, kind, segmentId: readPackTableRow(table, row).segmentId, indexKey }),
  );
  return { ...end, directories };
}
