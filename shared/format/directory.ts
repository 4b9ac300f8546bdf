import { ByteReader } from "#shared/bytes/byte-reader.ts";
import { formatLimits } from "./limits.ts";
import { padmeLength, requireZeroPadding } from "./padme.ts";
import { checkVersion, formatVersions } from "./version.ts";

/** The byte table of what is sealed as the directory of a segment. */
export const directoryLayout = [
  ["version", 1, "1"],
  ["reserved", 3, "zero"],
  ["count", 4, "number of blobs in the segment"],
  ["rows", "count × 36", "blob id, 32 bytes; its length in bytes, 4"],
  ["padding", "to the Padmé length of all", "zero"],
] as const;

/** Bytes of one row: blob id and length. */
export const directoryRowBytes = 36;
const headerBytes = 8;

/** Bytes of the content of a directory of `count` blobs. The AEAD adds 16. */
export function directoryContentBytes(count: number): number {
  return padmeLength(headerBytes + count * directoryRowBytes);
}

/** Wraps rows (36 bytes each) as the content that is then sealed. */
export function encodeDirectoryContent(rows: Uint8Array): Uint8Array<ArrayBuffer> {
  const count = rows.byteLength / directoryRowBytes;
  const content = new Uint8Array(directoryContentBytes(count));
  content[0] = formatVersions.directory;
  new DataView(content.buffer).setUint32(4, count, true);
  content.set(rows, headerBytes);
  return content;
}

/** The rows of an opened directory, a view of 36 bytes each. @throws {HoldfastError} incompatible or corrupt */
export function decodeDirectoryContent(content: Uint8Array, subject: string): Uint8Array {
  const reader = new ByteReader(content, subject);
  checkVersion("directory", reader.u8(), subject);
  if (reader.u8() !== 0 || reader.u16() !== 0) reader.fail("has reserved bytes that are not zero");
  const count = reader.u32();
  const rows = reader.view(count * directoryRowBytes);
  if (directoryContentBytes(count) !== content.byteLength) reader.fail("is not padded as it should be");
  requireZeroPadding(reader);
  const view = new DataView(rows.buffer, rows.byteOffset, rows.byteLength);
  let plainBytes = 0;
  for (let row = 0; row < count; row++) plainBytes += view.getUint32(row * directoryRowBytes + 32, true);
  if (plainBytes > formatLimits.segmentPlainBytes) reader.fail("claims more plaintext than a segment may hold");
  return rows;
}
