import { equalBytes } from "#shared/bytes/equal-bytes.ts";
import { HoldfastError } from "#shared/errors.ts";
import { idToBytes, type PackId, type StoreId } from "#shared/format/ids.ts";
import { decodePackHeader, decodePackTrailer, packHeaderBytes, packTrailerBytes } from "#shared/format/pack.ts";
import { decodePackEnd, type PackEnd } from "#shared/format/pack-end.ts";
import type { StatePack } from "#shared/format/state.ts";
import { packKey } from "#shared/store/object-key.ts";
import type { Store } from "#shared/store/store.ts";

/**
 * What a pack says of itself, in three requests: for when nothing else tells of it. Its checksum covers header, sessions and table; that its
 * segments are whole, only reading them shows.
 *
 * Memory: the end of the pack.
 *
 * @throws {HoldfastError} absent; corrupt or incompatible: it is no whole pack of this store
 */
export async function readPackEnd(
  store: Store,
  storeId: StoreId,
  { packId, sizeBytes }: { readonly packId: PackId; readonly sizeBytes: number },
): Promise<Omit<PackEnd, "table"> & { readonly pack: StatePack }> {
  const key = packKey(packId);
  const subject = `pack ${packId}`;
  if (sizeBytes < packHeaderBytes + packTrailerBytes)
    throw new HoldfastError("corrupt", `Cannot read ${key}: it is too short for a pack`);
  const header = await store.get(key, { offsetBytes: 0, lengthBytes: packHeaderBytes });
  const described = decodePackHeader(header, subject);
  if (!equalBytes(described.storeId, idToBytes(storeId)))
    throw new HoldfastError("corrupt", `Cannot use ${key}: it belongs to another store`);
  const at = sizeBytes - packTrailerBytes;
  const trailer = await store.get(key, { offsetBytes: at, lengthBytes: packTrailerBytes });
  const { directoriesOffset } = decodePackTrailer(trailer, sizeBytes, subject);
  const tail =
    directoriesOffset === at
      ? new Uint8Array(0)
      : await store.get(key, { offsetBytes: directoriesOffset, lengthBytes: at - directoriesOffset });
  const { table, sessions, directories } = decodePackEnd({ header, tail, trailer }, sizeBytes, subject);
  return { pack: { packId, kind: described.kind, sizeBytes, table }, sessions, directories };
}
