import { equalBytes } from "#shared/bytes/equal-bytes.ts";
import { ByteWriter } from "#shared/bytes/byte-writer.ts";
import { directoryRowBytes } from "#shared/format/directory.ts";
import type { PackId } from "#shared/format/ids.ts";
import { indexPrefixBytes } from "#shared/format/index-section.ts";
import {
  checkPackTable,
  decodePackHeader,
  decodePackSessions,
  decodePackTrailer,
  packHeaderBytes,
  packSessionsBytes,
  packTrailerBytes,
  readPackTableRow,
  verifyPackTrailer,
} from "#shared/format/pack.ts";
import type { SessionEnvelope, StatePack } from "#shared/format/state.ts";
import { HoldfastError } from "#shared/errors.ts";
import { openDirectory } from "#shared/repository/open-segment.ts";
import type { Repository } from "#shared/repository/repository.ts";
import { sortIndexRows } from "#shared/repository/sort-index-rows.ts";
import { packKey } from "#shared/store/object-key.ts";

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
  const { store, storeIdBytes } = repository;
  const key = packKey(packId);
  const subject = `pack ${packId}`;
  if (sizeBytes < packHeaderBytes + packTrailerBytes)
    throw new HoldfastError("corrupt", `Cannot read ${key}: it is too short for a pack`);
  const header = await store.get(key, { offsetBytes: 0, lengthBytes: packHeaderBytes });
  const { kind, storeId } = decodePackHeader(header, subject);
  if (!equalBytes(storeId, storeIdBytes))
    throw new HoldfastError("corrupt", `Cannot use ${key}: it belongs to another store`);
  const at = sizeBytes - packTrailerBytes;
  const trailerBytes = await store.get(key, { offsetBytes: at, lengthBytes: packTrailerBytes });
  const trailer = decodePackTrailer(trailerBytes, sizeBytes, subject);
  const { directoriesOffset, tableOffset } = trailer;
  if (directoriesOffset >= at) return { pack: emptyPack(packId, kind, sizeBytes), sessions: [], directories: [] };
  const tail = await store.get(key, { offsetBytes: directoriesOffset, lengthBytes: at - directoriesOffset });
  const table = tail.slice(tableOffset - directoriesOffset);
  checkPackTable(table, sizeBytes, subject);
  const sessionsEnd = tableOffset - directoriesOffset;
  const sessions = tail.slice(sessionsEnd - packSessionsBytes(table), sessionsEnd);
  verifyPackTrailer({ header, sessions, table, trailer: trailerBytes }, subject);
  const indexKey = repository.requireKey("indexKey");
  const directories: Uint8Array[] = [];
  for (let row = 0; row < trailer.segmentCount; row++) {
    const { segmentId, directoryOffset, directoryBytes } = readPackTableRow(table, row);
    const from = directoryOffset - directoriesOffset;
    directories.push(
      openDirectory(tail.subarray(from, from + directoryBytes), { storeId: storeIdBytes, kind, segmentId, indexKey }),
    );
  }
  return {
    pack: { packId, kind, sizeBytes, table },
    sessions: decodePackSessions(sessions, table, subject),
    directories,
  };
}

/**
 * The sorted index rows of the blobs of a pack.
 *
 * @param firstSegment - the number of the pack's first segment in whatever the rows are for
 */
export function indexRowsOf(directories: readonly Uint8Array[], firstSegment: number): Uint8Array {
  const rows = new ByteWriter();
  for (const [row, directory] of directories.entries()) {
    const view = new DataView(directory.buffer, directory.byteOffset, directory.byteLength);
    let offsetBytes = 0;
    for (let at = 0; at < directory.byteLength; at += directoryRowBytes) {
      const lengthBytes = view.getUint32(at + 32, true);
      rows.raw(directory.subarray(at, at + indexPrefixBytes));
      rows.u32(firstSegment + row);
      rows.u32(offsetBytes);
      rows.u32(lengthBytes);
      offsetBytes += lengthBytes;
    }
  }
  return sortIndexRows(rows.toBytes());
}

function emptyPack(packId: PackId, kind: StatePack["kind"], sizeBytes: number): StatePack {
  return { packId, kind, sizeBytes, table: new Uint8Array(0) };
}
