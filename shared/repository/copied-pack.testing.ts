import { concatBytes } from "#shared/bytes/concat-bytes.ts";
import { equalBytes } from "#shared/bytes/equal-bytes.ts";
import { encodeHex } from "#shared/bytes/hex.ts";
import { sha256 } from "#shared/crypto/sha256.ts";
import { idFromBytes, idToBytes, type StoreId } from "#shared/format/ids.ts";
import {
  decodePackSessions,
  decodePackTrailer,
  encodePackHeader,
  encodePackSessions,
  encodePackTable,
  encodePackTrailer,
  packHeaderBytes,
  packSessionsBytes,
  packTrailerBytes,
  type PackTableRow,
  readPackTableRow,
} from "#shared/format/pack.ts";
import type { PackKind } from "#shared/format/segment.ts";
import type { StatePack } from "#shared/format/state.ts";

/** A sealed segment of a pack, with its directory and session. */
export type CopiedSegment = {
  readonly row: PackTableRow;
  readonly segment: Uint8Array;
  readonly directory: Uint8Array;
  readonly envelope: Uint8Array;
};

/** The segment in row `number` of a whole pack. */
export function segmentIn(object: Uint8Array, number: number): CopiedSegment {
  const trailer = decodePackTrailer(object.subarray(-packTrailerBytes), object.byteLength, "a pack");
  const table = object.subarray(trailer.tableOffset, object.byteLength - packTrailerBytes);
  const row = readPackTableRow(table, number);
  const sessionsAt = trailer.tableOffset - packSessionsBytes(table);
  const sessions = decodePackSessions(object.subarray(sessionsAt, trailer.tableOffset), table, "a pack");
  const session = sessions.find((each) => equalBytes(each.sessionId, row.sessionId));
  if (session === undefined) throw new TypeError("A segment has no session");
  return {
    row,
    segment: object.subarray(row.segmentOffset, row.segmentOffset + row.segmentBytes),
    directory: object.subarray(row.directoryOffset, row.directoryOffset + row.directoryBytes),
    envelope: session.envelope,
  };
}

/** A pack of copied segments, as a compactor lays it out: the readable twin of that. */
export function copiedPack(options: {
  readonly storeId: StoreId;
  readonly kind: PackKind;
  readonly salt: Uint8Array;
  readonly copies: readonly CopiedSegment[];
}): { readonly pack: StatePack; readonly object: Uint8Array } {
  const { storeId, kind, salt, copies } = options;
  const header = encodePackHeader({ kind, storeId: idToBytes(storeId), salt });
  const segments = concatBytes(...copies.map((each) => each.segment));
  const directories = concatBytes(...copies.map((each) => each.directory));
  const directoriesOffset = packHeaderBytes + segments.byteLength;
  let segmentOffset = packHeaderBytes;
  let directoryOffset = directoriesOffset;
  const table = encodePackTable(
    copies.map(({ row }) => {
      const moved = { ...row, segmentOffset, directoryOffset };
      segmentOffset += row.segmentBytes;
      directoryOffset += row.directoryBytes;
      return moved;
    }),
  );
  const bySession = new Map(copies.map((each) => [encodeHex(each.row.sessionId), each] as const));
  const sessions = encodePackSessions(
    [...bySession.values()].map(({ row, envelope }) => ({ sessionId: row.sessionId, envelope })),
  );
  const tableOffset = directoryOffset + sessions.byteLength;
  const trailer = encodePackTrailer({ header, sessions, table, directoriesOffset, tableOffset });
  const object = concatBytes(header, segments, directories, sessions, table, trailer);
  const packId = idFromBytes("pack", sha256(object));
  return { pack: { packId, kind, sizeBytes: object.byteLength, table }, object };
}
