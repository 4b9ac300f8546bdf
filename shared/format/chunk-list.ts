import { ByteReader } from "#shared/bytes/byte-reader.ts";
import { chunkRowBytes } from "./entry.ts";
import { checkVersion, formatVersions } from "./version.ts";

/** The byte table of a chunk list. */
export const chunkListLayout = [
  ["version", 1, "1"],
  ["reserved", 3, "zero"],
  ["count", 4, "number of chunks"],
  ["rows", "count × 36", "chunk id, 32 bytes; its length in bytes, 4"],
] as const;

/** A blob with consecutive chunks of one very large file. `rows` are of 36 bytes. */
export function encodeChunkList(rows: Uint8Array): Uint8Array<ArrayBuffer> {
  const list = new Uint8Array(8 + rows.byteLength);
  list[0] = formatVersions.chunkList;
  new DataView(list.buffer).setUint32(4, rows.byteLength / chunkRowBytes, true);
  list.set(rows, 8);
  return list;
}

/** The rows of a chunk list: a view. @throws {HoldfastError} corrupt or incompatible */
export function decodeChunkList(bytes: Uint8Array, subject: string): Uint8Array {
  const reader = new ByteReader(bytes, subject);
  checkVersion("chunkList", reader.u8(), subject);
  if (reader.u8() !== 0 || reader.u16() !== 0) reader.fail("has reserved bytes that are not zero");
  const rows = reader.view(reader.u32() * chunkRowBytes);
  reader.end();
  return rows;
}
