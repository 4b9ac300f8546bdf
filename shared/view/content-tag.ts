import { encodeHex } from "#shared/bytes/hex.ts";
import { concatBytes } from "#shared/bytes/concat-bytes.ts";
import { sha256 } from "#shared/crypto/sha256.ts";
import { type Entry, entryTypes } from "#shared/format/entry.ts";

const purpose = new TextEncoder().encode("holdfast/v1/content-tag\0");

/**
 * 32 hexadecimal digits that change with the content of a file: a hash of the keyed MACs of its chunks, its size and its holes. They
 * tell nothing to who has no key of the store. Undefined of all that has no content.
 */
export function contentTag(entry: Entry): string | undefined {
  if (entry.type !== entryTypes.file || entry.error !== undefined) return undefined;
  const shape = new Float64Array([entry.size, entry.lists === undefined ? 0 : 1, ...(entry.extents ?? [])]);
  const hash = sha256(concatBytes(purpose, new Uint8Array(shape.buffer), entry.lists ?? entry.chunks));
  return encodeHex(hash.subarray(0, 16));
}
