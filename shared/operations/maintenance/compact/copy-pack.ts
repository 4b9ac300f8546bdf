import { equalBytes } from "#shared/bytes/equal-bytes.ts";
import { encodeHex } from "#shared/bytes/hex.ts";
import { sha256 } from "#shared/crypto/sha256.ts";
import { HoldfastError } from "#shared/errors.ts";
import { idToBytes } from "#shared/format/ids.ts";
import {
  decodePackHeader,
  decodePackTrailer,
  packHeaderBytes,
  packTableRowBytes,
  packTrailerBytes,
  readPackTableRow,
} from "#shared/format/pack.ts";
import { decodePackEnd } from "#shared/format/pack-end.ts";
import type { SessionEnvelope } from "#shared/format/state.ts";
import { rowsOf } from "#shared/log/resolve-row.ts";
import { packKey } from "#shared/store/object-key.ts";
import type { Store } from "#shared/store/store.ts";
import type { PackToCompact } from "./compaction-plan.ts";
import type { CopiedSegment } from "./lay-out-pack.ts";
import { tableCheckOf } from "./table-check.ts";

/** What was copied out of a pack. */
export type CopiedPack = {
  readonly pack: PackToCompact;
  /** The segments of the marked rows, in order, in memory of their own. */
  readonly segments: readonly CopiedSegment[];
  readonly table: Uint8Array;
  /** The envelopes of the pack's sessions, by session id in hexadecimal. */
  readonly envelopes: ReadonlyMap<string, SessionEnvelope>;
};

/**
 * Copies the marked rows out of a pack, proved without any key.
 *
 * It reads the whole pack: nothing but the pack's id, the SHA-256 of all its bytes, tells without a key whether a sealed segment is as it
 * was. A copy of damaged bytes would be a whole pack of good name, and the old one, from which a repair might start, would be swept.
 *
 * Memory: the pack while it is read; then the copied rows and the table.
 *
 * @throws {HoldfastError} absent: the store has no such pack
 * @throws {HoldfastError} corrupt, incompatible: it is damaged, of another store, or not what states say of it
 */
export async function copyPack(store: Store, storeId: Uint8Array, pack: PackToCompact): Promise<CopiedPack> {
  const subject = `pack ${pack.packId}`;
  const bytes = await store.get(packKey(pack.packId), { offsetBytes: 0, lengthBytes: pack.sizeBytes });
  if (!equalBytes(sha256(bytes), idToBytes(pack.packId))) {
    throw new HoldfastError("corrupt", `Cannot copy ${subject}: its bytes are not those that its name promises`, {
      detail: { key: packKey(pack.packId) },
    });
  }
  const { table, envelopes } = takeApart(bytes, storeId, pack);
  const segments: CopiedSegment[] = [];
  for (const row of rowsOf(pack.rows)) {
    if ((row + 1) * packTableRowBytes > table.byteLength)
      throw new HoldfastError("corrupt", `Cannot copy ${subject}: a snapshot needs row ${row}, which it does not have`);
    const at = readPackTableRow(table, row);
    segments.push({
      segmentId: at.segmentId,
      sessionId: at.sessionId,
      segment: bytes.slice(at.segmentOffset, at.segmentOffset + at.segmentBytes),
      directory: bytes.slice(at.directoryOffset, at.directoryOffset + at.directoryBytes),
    });
  }
  return { pack, segments, table, envelopes };
}

function takeApart(
  bytes: Uint8Array,
  storeId: Uint8Array,
  pack: PackToCompact,
): { readonly table: Uint8Array; readonly envelopes: ReadonlyMap<string, SessionEnvelope> } {
  const subject = `pack ${pack.packId}`;
  const header = bytes.subarray(0, packHeaderBytes);
  const { kind, storeId: ownStoreId } = decodePackHeader(header, subject);
  const trailerAt = bytes.byteLength - packTrailerBytes;
  const trailer = bytes.subarray(trailerAt);
  const { directoriesOffset } = decodePackTrailer(trailer, bytes.byteLength, subject);
  const tail = bytes.subarray(directoriesOffset, trailerAt);
  const { table, sessions } = decodePackEnd({ header, tail, trailer }, bytes.byteLength, subject);
  if (kind !== pack.kind || !equalBytes(ownStoreId, storeId) || !equalBytes(tableCheckOf(table), pack.tableCheck))
    throw new HoldfastError("corrupt", `Cannot copy ${subject}: it is not the pack that the states tell of`);
  const envelopes = new Map<string, SessionEnvelope>();
  for (const session of sessions) envelopes.set(encodeHex(session.sessionId), session);
  return { table, envelopes };
}
