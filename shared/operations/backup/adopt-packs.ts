import { directoryRowBytes } from "#shared/format/directory.ts";
import { indexPrefixBytes } from "#shared/format/index-section.ts";
import {
  checkPackTable,
  decodePackHeader,
  decodePackTrailer,
  packHeaderBytes,
  packSessionsBytes,
  packTrailerBytes,
  readPackTableRow,
  verifyPackTrailer,
} from "#shared/format/pack.ts";
import type { SessionEnvelope, StatePack } from "#shared/format/state.ts";
import { equalBytes } from "#shared/bytes/equal-bytes.ts";
import { encodeHex } from "#shared/bytes/hex.ts";
import { packKey } from "#shared/store/object-key.ts";
import { isHoldfastError, HoldfastError } from "#shared/errors.ts";
import { openDirectory } from "#shared/repository/open-segment.ts";
import { sortIndexRows } from "#shared/repository/sort-index-rows.ts";
import type { Repository } from "#shared/repository/repository.ts";
import { ByteWriter } from "#shared/bytes/byte-writer.ts";
import type { JournalRecord } from "./journal.ts";

/** What an interrupted session left behind and this one takes over. */
export type AdoptedPacks = {
  readonly packs: readonly StatePack[];
  readonly sessions: readonly SessionEnvelope[];
  /** Sorted index rows, segments numbered as in the repository's segment table. */
  readonly rows: Uint8Array;
};

/**
 * Reads the tables and directories of packs that an interrupted session stored, and adds them to the repository's tables: what
 * is in them need not be stored again. Packs that are not whole, were swept, or belong to a published state, are passed over; condemned ones
 * are taken, for the commit revives them.
 */
export async function adoptPacks(repository: Repository, records: readonly JournalRecord[]): Promise<AdoptedPacks> {
  const packs: StatePack[] = [];
  const sessions = new Map<string, SessionEnvelope>();
  const rows = new ByteWriter();
  for (const record of records) {
    if (repository.segments.findPack(record.packId) !== undefined || repository.log.swept.has(record.packId)) continue;
    const adopted = await readPack(repository, record);
    if (adopted === undefined) continue;
    const known = repository.segments.addPack(adopted.pack);
    for (const [row, directory] of adopted.directories.entries()) appendRows(rows, directory, known.firstSegment + row);
    packs.push(adopted.pack);
    sessions.set(encodeHex(record.sessionId), { sessionId: record.sessionId, envelope: record.envelope });
    repository.sessionKeys.addEnvelope({ sessionId: record.sessionId, envelope: record.envelope });
  }
  const sorted = sortIndexRows(rows.toBytes());
  repository.index.addRun(sorted);
  return { packs, sessions: [...sessions.values()], rows: sorted };
}

async function readPack(
  repository: Repository,
  record: JournalRecord,
): Promise<{ pack: StatePack; directories: Uint8Array[] } | undefined> {
  const key = packKey(record.packId);
  const subject = `pack ${record.packId}`;
  const { store, storeIdBytes } = repository;
  const indexKey = repository.requireKey("indexKey");
  try {
    const { sizeBytes } = await store.head(key);
    if (sizeBytes !== record.sizeBytes) return undefined;
    const header = await store.get(key, { offsetBytes: 0, lengthBytes: packHeaderBytes });
    const { kind, storeId } = decodePackHeader(header, subject);
    if (kind !== record.kind || !equalBytes(storeId, storeIdBytes)) return undefined;
    const trailerBytes = await store.get(key, {
      offsetBytes: sizeBytes - packTrailerBytes,
      lengthBytes: packTrailerBytes,
    });
    const trailer = decodePackTrailer(trailerBytes, sizeBytes, subject);
    const tail = await store.get(key, {
      offsetBytes: trailer.directoriesOffset,
      lengthBytes: sizeBytes - packTrailerBytes - trailer.directoriesOffset,
    });
    const table = tail.slice(trailer.tableOffset - trailer.directoriesOffset);
    checkPackTable(table, sizeBytes, subject);
    const sessionsEnd = trailer.tableOffset - trailer.directoriesOffset;
    const sessions = tail.subarray(sessionsEnd - packSessionsBytes(table), sessionsEnd);
    verifyPackTrailer({ header, sessions, table, trailer: trailerBytes }, subject);
    const directories: Uint8Array[] = [];
    for (let row = 0; row < trailer.segmentCount; row++) {
      const { segmentId, directoryOffset, directoryBytes } = readPackTableRow(table, row);
      const from = directoryOffset - trailer.directoriesOffset;
      const sealed = tail.subarray(from, from + directoryBytes);
      directories.push(openDirectory(sealed, { storeId: storeIdBytes, kind, segmentId, indexKey }));
    }
    return { pack: { packId: record.packId, kind, sizeBytes, table }, directories };
  } catch (error) {
    if (error instanceof HoldfastError && isHoldfastError(error, "absent", "corrupt", "incompatible")) return undefined;
    throw error;
  }
}

function appendRows(rows: ByteWriter, directory: Uint8Array, segment: number): void {
  const view = new DataView(directory.buffer, directory.byteOffset, directory.byteLength);
  let offsetBytes = 0;
  for (let at = 0; at < directory.byteLength; at += directoryRowBytes) {
    const lengthBytes = view.getUint32(at + 32, true);
    rows.raw(directory.subarray(at, at + indexPrefixBytes));
    rows.u32(segment);
    rows.u32(offsetBytes);
    rows.u32(lengthBytes);
    offsetBytes += lengthBytes;
  }
}
