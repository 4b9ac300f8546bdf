import { ByteReader } from "#shared/bytes/byte-reader.ts";
import { ByteWriter } from "#shared/bytes/byte-writer.ts";
import { equalBytes } from "#shared/bytes/equal-bytes.ts";
import { encodeHex } from "#shared/bytes/hex.ts";
import { HoldfastError } from "#shared/errors.ts";
import { frameMagic } from "./frame.ts";
import { formatLimits } from "./limits.ts";
import { checkVersion, formatVersions } from "./version.ts";
import { type PackKind, packKindCodes } from "./segment.ts";
import { sha256 } from "#shared/crypto/sha256.ts";

/** The byte table of a pack's header. */
export const packHeaderLayout = [
  ["magic", 8, 'the letters "HOLDFAST"'],
  ["kind", 4, 'the letters "PACK"'],
  ["version", 2, "format version"],
  ["contents", 1, "1 data, 2 meta"],
  ["reserved", 1, "zero"],
  ["storeId", 16, "the store"],
  ["salt", 16, "random: a pack that must be written again gets another id"],
] as const;

/**
 * The byte table of one row of a pack's sessions: one for each session whose segments the pack holds, in the order in which the table
 * of segments first names them. With them a pack opens by an owner's key alone, whatever becomes of the states.
 */
export const packSessionRowLayout = [
  ["sessionId", 16, "random; names the session key"],
  ["envelope", 80, "the session key, sealed to the store's public key"],
] as const;

/** The byte table of one row of a pack's table of segments. */
export const packTableRowLayout = [
  ["segmentId", 24, "random; the nonce under which the segment is sealed"],
  ["sessionId", 16, "random; names the session key"],
  ["segmentOffset", 4, "from the start of the pack"],
  ["segmentBytes", 4, "sealed length"],
  ["directoryOffset", 4, "from the start of the pack"],
  ["directoryBytes", 4, "sealed length"],
] as const;

/** The byte table of a pack's trailer. */
export const packTrailerLayout = [
  ["directoriesOffset", 4, "where the first directory starts"],
  ["tableOffset", 4, "where the table starts"],
  ["segmentCount", 4, "rows of the table"],
  ["checksum", 32, "SHA-256 of header, sessions, table and the 12 bytes before this"],
  ["end", 4, 'the letters "KCAP"'],
] as const;

export const packHeaderBytes = 48;
export const packSessionRowBytes = 96;
export const packTableRowBytes = 56;
export const packTrailerBytes = 48;

/** Bytes of a header, with its salt of 16 random bytes. */
export function encodePackHeader(options: {
  readonly kind: PackKind;
  readonly storeId: Uint8Array;
  readonly salt: Uint8Array;
}): Uint8Array<ArrayBuffer> {
  const writer = new ByteWriter(packHeaderBytes);
  writer.raw(frameMagic);
  writer.latin1("PACK");
  writer.u16(formatVersions.pack);
  writer.u8(packKindCodes[options.kind]);
  writer.u8(0);
  writer.raw(options.storeId);
  writer.raw(options.salt);
  return writer.toBytes();
}

/** Checks a pack's header. @throws {HoldfastError} corrupt or incompatible */
export function decodePackHeader(
  bytes: Uint8Array,
  subject: string,
): { kind: PackKind; storeId: Uint8Array; salt: Uint8Array } {
  const reader = new ByteReader(bytes, subject);
  if (!equalBytes(reader.view(8), frameMagic) || reader.latin1(4) !== "PACK")
    reader.fail("does not begin as a pack does");
  checkVersion("pack", reader.u16(), subject);
  const code = reader.u8();
  if (code !== packKindCodes.data && code !== packKindCodes.meta) reader.fail("is of an unknown kind");
  if (reader.u8() !== 0) reader.fail("has reserved bytes that are not zero");
  return { kind: code === packKindCodes.data ? "data" : "meta", storeId: reader.view(16), salt: reader.view(16) };
}

/** Bytes of the sessions of a pack. */
export function encodePackSessions(
  sessions: readonly { readonly sessionId: Uint8Array; readonly envelope: Uint8Array }[],
): Uint8Array<ArrayBuffer> {
  const writer = new ByteWriter(sessions.length * packSessionRowBytes);
  for (const { sessionId, envelope } of sessions) {
    writer.raw(sessionId);
    writer.raw(envelope);
  }
  return writer.toBytes();
}

/**
 * The sessions of a pack; ids and envelopes are views.
 *
 * @param table - the pack's table of segments
 * @throws {HoldfastError} corrupt: other sessions than those that the table names, or in another order
 */
export function decodePackSessions(
  bytes: Uint8Array,
  table: Uint8Array,
  subject: string,
): { readonly sessionId: Uint8Array; readonly envelope: Uint8Array }[] {
  const reader = new ByteReader(bytes, `the sessions of ${subject}`);
  const sessions = [];
  for (const id of sessionsOf(table)) {
    const session = { sessionId: reader.view(16), envelope: reader.view(80) };
    if (encodeHex(session.sessionId) !== id) reader.fail("names another session than its table");
    sessions.push(session);
  }
  reader.end();
  return sessions;
}

/** Bytes of the sessions of a pack with this table: a row for each session that the table names. */
export function packSessionsBytes(table: Uint8Array): number {
  return sessionsOf(table).size * packSessionRowBytes;
}

/** The ids of the sessions that a table names, in order of their first row. */
function sessionsOf(table: Uint8Array): ReadonlySet<string> {
  const sessions = new Set<string>();
  for (let at = 24; at < table.byteLength; at += packTableRowBytes) {
    const id = table.subarray(at, at + 16);
    // Nearly always the same as in the row before.
    if (at > 24 && equalBytes(id, table.subarray(at - packTableRowBytes, at - packTableRowBytes + 16))) continue;
    sessions.add(encodeHex(id));
  }
  return sessions;
}

/** One row of a table of segments, decoded. */
export type PackTableRow = {
  readonly segmentId: Uint8Array;
  readonly sessionId: Uint8Array;
  readonly segmentOffset: number;
  readonly segmentBytes: number;
  readonly directoryOffset: number;
  readonly directoryBytes: number;
};

/** Bytes of a table of segments. */
export function encodePackTable(rows: readonly PackTableRow[]): Uint8Array<ArrayBuffer> {
  const writer = new ByteWriter(Math.max(1, rows.length * packTableRowBytes));
  for (const row of rows) {
    writer.raw(row.segmentId);
    writer.raw(row.sessionId);
    writer.u32(row.segmentOffset);
    writer.u32(row.segmentBytes);
    writer.u32(row.directoryOffset);
    writer.u32(row.directoryBytes);
  }
  return writer.toBytes();
}

/** One row of a table. Ids are views into `table`. */
export function readPackTableRow(table: Uint8Array, row: number): PackTableRow {
  const at = row * packTableRowBytes;
  const view = new DataView(table.buffer, table.byteOffset + at, packTableRowBytes);
  return {
    segmentId: table.subarray(at, at + 24),
    sessionId: table.subarray(at + 24, at + 40),
    segmentOffset: view.getUint32(40, true),
    segmentBytes: view.getUint32(44, true),
    directoryOffset: view.getUint32(48, true),
    directoryBytes: view.getUint32(52, true),
  };
}

/**
 * Checks that a table describes a pack of `sizeBytes` without gaps: header, segments, directories, sessions, table, trailer.
 *
 * @throws {HoldfastError} corrupt: it does not
 */
export function checkPackTable(table: Uint8Array, sizeBytes: number, subject: string): void {
  const fail = (reason: string): never => {
    throw new HoldfastError("corrupt", `Cannot read the table of ${subject}: ${reason}`);
  };
  if (table.byteLength % packTableRowBytes !== 0) fail("it is not made of whole rows");
  const count = table.byteLength / packTableRowBytes;
  const view = new DataView(table.buffer, table.byteOffset, table.byteLength);
  let segmentsEnd = packHeaderBytes;
  for (let row = 0; row < count; row++) {
    if (view.getUint32(row * packTableRowBytes + 40, true) !== segmentsEnd)
      fail(`segment ${row} is not where the one before ends`);
    segmentsEnd += view.getUint32(row * packTableRowBytes + 44, true);
  }
  let directoriesEnd = segmentsEnd;
  for (let row = 0; row < count; row++) {
    if (view.getUint32(row * packTableRowBytes + 48, true) !== directoriesEnd)
      fail(`directory ${row} is not where the one before ends`);
    directoriesEnd += view.getUint32(row * packTableRowBytes + 52, true);
  }
  if (directoriesEnd + packSessionsBytes(table) + table.byteLength + packTrailerBytes !== sizeBytes)
    fail("its rows do not add up to the size of the pack");
}

/** Bytes of a trailer; the checksum covers header, sessions, table and the numbers. */
export function encodePackTrailer(options: {
  readonly header: Uint8Array;
  readonly sessions: Uint8Array;
  readonly table: Uint8Array;
  readonly directoriesOffset: number;
  readonly tableOffset: number;
}): Uint8Array<ArrayBuffer> {
  const writer = new ByteWriter(packTrailerBytes);
  writer.u32(options.directoriesOffset);
  writer.u32(options.tableOffset);
  writer.u32(options.table.byteLength / packTableRowBytes);
  writer.raw(sha256(options.header, options.sessions, options.table, writer.toBytes()));
  writer.latin1("KCAP");
  return writer.toBytes();
}

/** What a pack's last 48 bytes tell; the checksum is verified by `verifyPackTrailer` once the table is read. */
export type PackTrailer = {
  readonly directoriesOffset: number;
  readonly tableOffset: number;
  readonly segmentCount: number;
  readonly checksum: Uint8Array;
};

/** Decodes a trailer and checks that it fits a pack of `sizeBytes`. @throws {HoldfastError} corrupt */
export function decodePackTrailer(bytes: Uint8Array, sizeBytes: number, subject: string): PackTrailer {
  const reader = new ByteReader(bytes, `the trailer of ${subject}`);
  if (sizeBytes > formatLimits.packBytes) reader.fail("belongs to a pack that is too large");
  const trailer = {
    directoriesOffset: reader.u32(),
    tableOffset: reader.u32(),
    segmentCount: reader.u32(),
    checksum: reader.view(32),
  };
  if (reader.latin1(4) !== "KCAP") reader.fail("does not end as a pack does");
  reader.end();
  const { directoriesOffset, tableOffset, segmentCount } = trailer;
  if (
    directoriesOffset < packHeaderBytes ||
    tableOffset < directoriesOffset ||
    tableOffset + segmentCount * packTableRowBytes + packTrailerBytes !== sizeBytes
  ) {
    reader.fail("does not fit the size of the pack");
  }
  return trailer;
}

/** Checks the trailer's checksum over header, sessions and table. @throws {HoldfastError} corrupt */
export function verifyPackTrailer(
  parts: {
    readonly header: Uint8Array;
    readonly sessions: Uint8Array;
    readonly table: Uint8Array;
    readonly trailer: Uint8Array;
  },
  subject: string,
): void {
  const { header, sessions, table, trailer } = parts;
  if (!equalBytes(sha256(header, sessions, table, trailer.subarray(0, 12)), trailer.subarray(12, 44))) {
    throw new HoldfastError("corrupt", `Cannot read ${subject}: its table does not match its checksum`);
  }
}
