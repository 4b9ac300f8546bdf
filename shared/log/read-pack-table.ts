import { equalBytes } from "#shared/bytes/equal-bytes.ts";
import { HoldfastError } from "#shared/errors.ts";
import { idToBytes, type PackId, type StoreId } from "#shared/format/ids.ts";
import {
  checkPackTable,
  decodePackHeader,
  decodePackTrailer,
  packHeaderBytes,
  packSessionsBytes,
  packTrailerBytes,
  verifyPackTrailer,
} from "#shared/format/pack.ts";
import type { StatePack } from "#shared/format/state.ts";
import { packKey } from "#shared/store/object-key.ts";
import type { Store } from "#shared/store/store.ts";

/**
 * What a pack says of itself, in four requests: for when nothing else tells of it. Its checksum covers header, sessions and table; that its
 * segments are whole, only reading them shows.
 *
 * @throws {HoldfastError} absent, corrupt or incompatible
 */
export async function readPackTable(store: Store, storeId: StoreId, packId: PackId): Promise<StatePack> {
  const key = packKey(packId);
  const subject = `pack ${packId}`;
  const { sizeBytes } = await store.head(key);
  if (sizeBytes < packHeaderBytes + packTrailerBytes)
    throw new HoldfastError("corrupt", `Cannot read ${key}: it is too short for a pack`);
  const header = await store.get(key, { offsetBytes: 0, lengthBytes: packHeaderBytes });
  const described = decodePackHeader(header, subject);
  if (!equalBytes(described.storeId, idToBytes(storeId)))
    throw new HoldfastError("corrupt", `Cannot use ${key}: it belongs to another store`);
  const at = sizeBytes - packTrailerBytes;
  const trailerBytes = await store.get(key, { offsetBytes: at, lengthBytes: packTrailerBytes });
  const { directoriesOffset, tableOffset } = decodePackTrailer(trailerBytes, sizeBytes, subject);
  if (directoriesOffset >= at) throw new HoldfastError("corrupt", `Cannot use ${key}: it holds no segment`);
  const tail = await store.get(key, { offsetBytes: directoriesOffset, lengthBytes: at - directoriesOffset });
  const table = tail.slice(tableOffset - directoriesOffset);
  checkPackTable(table, sizeBytes, subject);
  const sessionsEnd = tableOffset - directoriesOffset;
  const sessions = tail.subarray(sessionsEnd - packSessionsBytes(table), sessionsEnd);
  verifyPackTrailer({ header, sessions, table, trailer: trailerBytes }, subject);
  return { packId, kind: described.kind, sizeBytes, table };
}
