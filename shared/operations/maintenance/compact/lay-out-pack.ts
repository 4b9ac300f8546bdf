import { encodeHex } from "#shared/bytes/hex.ts";
import { createSha256 } from "#shared/crypto/sha256.ts";
import { idFromBytes, type PackId } from "#shared/format/ids.ts";
import {
  checkPackTable,
  encodePackHeader,
  encodePackSessions,
  encodePackTable,
  encodePackTrailer,
  packHeaderBytes,
  type PackTableRow,
} from "#shared/format/pack.ts";
import type { PackKind } from "#shared/format/segment.ts";
import type { SessionEnvelope } from "#shared/format/state.ts";
import { HoldfastError } from "#shared/errors.ts";

/** A sealed segment with its sealed directory, as they lie in some pack. */
export type CopiedSegment = {
  readonly segmentId: Uint8Array;
  readonly sessionId: Uint8Array;
  readonly segment: Uint8Array;
  readonly directory: Uint8Array;
};

/** A whole pack, not yet stored. */
export type LaidOutPack = {
  readonly packId: PackId;
  readonly kind: PackKind;
  readonly sizeBytes: number;
  readonly table: Uint8Array;
  /** SHA-256 of the parts. */
  readonly sha256: Uint8Array;
  readonly parts: readonly Uint8Array[];
};

/**
 * Lays copied segments out as a pack, in their order. It needs no key: segments, directories and envelopes stay as they are.
 *
 * @param options.salt - 16 random bytes, so that no pack is ever made twice
 * @param options.envelopes - of every session that a segment names, by its id in hexadecimal
 * @throws {HoldfastError} internal: an envelope is missing, or the pack does not read back
 * @see FORMAT.md, Pack
 */
export function layOutPack(options: {
  readonly kind: PackKind;
  readonly storeId: Uint8Array;
  readonly salt: Uint8Array;
  readonly segments: readonly CopiedSegment[];
  readonly envelopes: ReadonlyMap<string, SessionEnvelope>;
}): LaidOutPack {
  const { kind, segments, envelopes } = options;
  const header = encodePackHeader(options);
  const directoriesOffset = segments.reduce((sum, each) => sum + each.segment.byteLength, packHeaderBytes);
  let segmentOffset = packHeaderBytes;
  let directoryOffset = directoriesOffset;
  const rows: PackTableRow[] = [];
  const sessions = new Map<string, SessionEnvelope>();
  for (const { segmentId, sessionId, segment, directory } of segments) {
    const [segmentBytes, directoryBytes] = [segment.byteLength, directory.byteLength];
    rows.push({ segmentId, sessionId, segmentOffset, segmentBytes, directoryOffset, directoryBytes });
    segmentOffset += segmentBytes;
    directoryOffset += directoryBytes;
    const name = encodeHex(sessionId);
    const envelope = envelopes.get(name);
    if (envelope === undefined)
      throw new HoldfastError("internal", `Cannot lay out a pack: there is no envelope of session ${name}`);
    sessions.set(name, envelope);
  }
  const sessionRows = encodePackSessions([...sessions.values()]);
  const table = encodePackTable(rows);
  const tableOffset = directoryOffset + sessionRows.byteLength;
  const trailer = encodePackTrailer({ header, sessions: sessionRows, table, directoriesOffset, tableOffset });
  const parts = [
    header,
    ...segments.map((each) => each.segment),
    ...segments.map((each) => each.directory),
    sessionRows,
    table,
    trailer,
  ];
  const hash = createSha256();
  for (const part of parts) hash.update(part);
  const digest = hash.digest();
  const packId = idFromBytes("pack", digest);
  const sizeBytes = tableOffset + table.byteLength + trailer.byteLength;
  checkPackTable(table, sizeBytes, `pack ${packId}, just laid out`);
  return { packId, kind, sizeBytes, table, sha256: digest, parts };
}
