import { compress } from "#shared/compression/compress.ts";
import { decompress } from "#shared/compression/decompress.ts";
import { open, seal } from "#shared/crypto/seal.ts";
import { concatBytes } from "#shared/bytes/concat-bytes.ts";
import {
  decodeIndexContent,
  encodeIndexContent,
  indexRowBytes,
  joinIndexRows,
  splitIndexRows,
} from "#shared/format/index-section.ts";
import type { Random } from "#shared/random.ts";
import { HoldfastError } from "#shared/errors.ts";
import { sharedBytes } from "./merge-index-rows.ts";

function indexAad(storeId: Uint8Array): Uint8Array {
  return concatBytes(Buffer.from("holdfast/v1/index\0", "latin1"), storeId);
}

/** Seals sorted index rows as the index section of a state: nonce 24, sealed content. Empty for no rows. */
export function sealIndexSection(
  rows: Uint8Array,
  options: { readonly indexKey: Uint8Array; readonly storeId: Uint8Array; readonly random: Random },
): Uint8Array<ArrayBuffer> {
  if (rows.byteLength === 0) return new Uint8Array(0);
  const { prefixes, columns } = splitIndexRows(rows);
  const content = encodeIndexContent({ codec: 1, prefixes, encodedColumns: compress(columns, 3) });
  const nonce = options.random(24);
  return concatBytes(nonce, seal({ key: options.indexKey, nonce, aad: indexAad(options.storeId) }, content));
}

/**
 * Opens an index section to sorted rows in shared memory; segments are numbered as in the state.
 *
 * @throws {HoldfastError} corrupt or incompatible
 */
export function openIndexSection(
  section: Uint8Array,
  options: { readonly indexKey: Uint8Array; readonly storeId: Uint8Array; readonly segmentCount: number; readonly subject: string },
): Uint8Array {
  if (section.byteLength === 0) return new Uint8Array(0);
  const { subject } = options;
  if (section.byteLength < 40) throw new HoldfastError("corrupt", `Cannot read ${subject}: it ends early`);
  const content = open({ key: options.indexKey, nonce: section.subarray(0, 24), aad: indexAad(options.storeId) }, section.subarray(24));
  const { codec, count, prefixes, encodedColumns } = decodeIndexContent(content, subject);
  if (codec > 1) throw new HoldfastError("incompatible", `Cannot read ${subject}: its codec ${codec} is not known`);
  const columns = codec === 0 ? encodedColumns : decompress(encodedColumns, count * 12);
  const rows = sharedBytes(count * indexRowBytes);
  joinIndexRows(rows, { prefixes, columns, segmentCount: options.segmentCount, subject });
  return rows;
}
