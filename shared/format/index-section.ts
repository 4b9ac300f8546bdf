import { HoldfastError } from "#shared/errors.ts";
import { ByteReader } from "#shared/bytes/byte-reader.ts";
import { sha256 } from "#shared/crypto/sha256.ts";
import { idToBytes, type PackId } from "./ids.ts";
import { formatLimits } from "./limits.ts";
import { checkVersion, formatVersions } from "./version.ts";

/**
 * The blob index that a state adds: rows of 32 bytes in ascending order of the id prefix.
 *
 * Row in memory: id prefix 20 · segment ordinal u32 · offset in the segment's plaintext u32 · length u32.
 * 160 bits of a keyed MAC: the chance that two of 2^48 blobs share a prefix is below 2^-64; every read checks the whole id.
 */
export const indexRowBytes = 32;
/** Bytes of a blob id that the index keeps. */
export const indexPrefixBytes = 20;

/** The byte table of what is sealed as an index section. */
export const indexSectionLayout = [
  ["version", 1, "1"],
  ["codec", 1, "of the columns: 0 raw, 1 one zstd frame"],
  ["reserved", 2, "zero"],
  ["count", 4, "number of rows"],
  ["prefixes", "count × 20", "the first 20 bytes of each blob id, ascending, no two equal"],
  ["columns", "the rest", "encoded: count segment ordinals, count offsets, count lengths, 4 bytes each"],
] as const;

const headerBytes = 8;

/** The byte table of a row of the index in memory, of which the section holds the columns. */
export const indexRowLayout = [
  ["prefix", 20, "the first 20 bytes of the blob id"],
  ["segment", 4, "number of the segment: the tables of the state's packs, one after the other, from 0"],
  ["offset", 4, "where the blob begins in the segment's plaintext"],
  ["length", 4, "bytes of the blob"],
] as const;

/** The byte table of the associated data of an index section. */
export const indexAadLayout = [
  ["context", 18, 'the letters "holdfast/v1/index" and a zero byte'],
  ["storeId", 16, "the store"],
  ["packs", 32, "SHA-256 of the ids of the state's packs, one after the other, 32 bytes each"],
] as const;

/**
 * Associated data of an index section: binds the store and the very packs whose segments the rows number, so that a section beside
 * other packs does not open and cannot make a writer believe that a blob is stored where it is not.
 */
export function indexAad(storeId: Uint8Array, packIds: readonly PackId[]): Uint8Array<ArrayBuffer> {
  const aad = new Uint8Array(66);
  aad.set(Buffer.from("holdfast/v1/index\0", "latin1"), 0);
  aad.set(storeId, 18);
  aad.set(sha256(...packIds.map((each) => idToBytes(each))), 34);
  return aad;
}

/** Splits sorted rows into the prefixes and the other columns, each contiguous: the columns compress well. */
export function splitIndexRows(rows: Uint8Array): {
  prefixes: Uint8Array<ArrayBuffer>;
  columns: Uint8Array<ArrayBuffer>;
} {
  const count = rows.byteLength / indexRowBytes;
  const prefixes = new Uint8Array(count * indexPrefixBytes);
  const columns = new Uint8Array(count * 12);
  const from = new DataView(rows.buffer, rows.byteOffset, rows.byteLength);
  const to = new DataView(columns.buffer);
  for (let row = 0; row < count; row++) {
    const at = row * indexRowBytes;
    for (let byte = 0; byte < indexPrefixBytes; byte++) prefixes[row * indexPrefixBytes + byte] = rows[at + byte] ?? 0;
    for (let column = 0; column < 3; column++) {
      to.setUint32((column * count + row) * 4, from.getUint32(at + indexPrefixBytes + column * 4, true), true);
    }
  }
  return { prefixes, columns };
}

/** Lays prefixes and encoded columns out as the content that is then sealed. */
export function encodeIndexContent(options: {
  readonly codec: number;
  readonly prefixes: Uint8Array;
  readonly encodedColumns: Uint8Array;
}): Uint8Array<ArrayBuffer> {
  const { codec, prefixes, encodedColumns } = options;
  const content = new Uint8Array(headerBytes + prefixes.byteLength + encodedColumns.byteLength);
  content[0] = formatVersions.index;
  content[1] = codec;
  new DataView(content.buffer).setUint32(4, prefixes.byteLength / indexPrefixBytes, true);
  content.set(prefixes, headerBytes);
  content.set(encodedColumns, headerBytes + prefixes.byteLength);
  return content;
}

/** Takes the content of an index section apart; both parts are views. @throws {HoldfastError} incompatible or corrupt */
export function decodeIndexContent(
  content: Uint8Array,
  subject: string,
): { codec: number; count: number; prefixes: Uint8Array; encodedColumns: Uint8Array } {
  const reader = new ByteReader(content, subject);
  checkVersion("index", reader.u8(), subject);
  const codec = reader.u8();
  if (reader.u16() !== 0) reader.fail("has reserved bytes that are not zero");
  const count = reader.u32();
  if (count > formatLimits.indexRows) reader.fail("claims more rows than a section may have");
  const prefixes = reader.view(count * indexPrefixBytes);
  return { codec, count, prefixes, encodedColumns: reader.view(reader.remaining) };
}

/**
 * Joins prefixes and decoded columns to rows written to `rows` (count × 32 bytes, possibly shared memory).
 *
 * @throws {HoldfastError} corrupt: prefixes not strictly ascending, or a segment ordinal not below `segmentCount`
 */
export function joinIndexRows(
  rows: Uint8Array,
  parts: {
    readonly prefixes: Uint8Array;
    readonly columns: Uint8Array;
    readonly segmentCount: number;
    readonly subject: string;
  },
): void {
  const { prefixes, columns, segmentCount, subject } = parts;
  const count = prefixes.byteLength / indexPrefixBytes;
  const fail = (reason: string): never => {
    throw new HoldfastError("corrupt", `Cannot read ${subject}: ${reason}`);
  };
  if (columns.byteLength !== count * 12) fail("its columns have the wrong length");
  const from = new DataView(columns.buffer, columns.byteOffset, columns.byteLength);
  const to = new DataView(rows.buffer, rows.byteOffset, rows.byteLength);
  for (let row = 0; row < count; row++) {
    const at = row * indexRowBytes;
    for (let byte = 0; byte < indexPrefixBytes; byte++) rows[at + byte] = prefixes[row * indexPrefixBytes + byte] ?? 0;
    if (row > 0 && compareRows(rows, at - indexRowBytes, at) >= 0) fail("its rows are not in ascending order");
    const segment = from.getUint32(row * 4, true);
    if (segment >= segmentCount) fail("it names a segment that is not in the tables of its packs");
    to.setUint32(at + 20, segment, true);
    to.setUint32(at + 24, from.getUint32((count + row) * 4, true), true);
    to.setUint32(at + 28, from.getUint32((2 * count + row) * 4, true), true);
  }
}

function compareRows(rows: Uint8Array, left: number, right: number): number {
  for (let index = 0; index < indexPrefixBytes; index++) {
    const difference = (rows[left + index] ?? 0) - (rows[right + index] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}
