import { compress } from "#shared/compression/compress.ts";
import { decompress } from "#shared/compression/decompress.ts";
import { open, sealParts } from "#shared/crypto/seal.ts";
import {
  decodeIndexContent,
  encodeIndexContent,
  indexAad,
  indexRowBytes,
  joinIndexRows,
  splitIndexRows,
} from "#shared/format/index-section.ts";
import type { PackId } from "#shared/format/ids.ts";
import { formatLimits } from "#shared/format/limits.ts";
import type { Random } from "#shared/random.ts";
import { HoldfastError } from "#shared/errors.ts";
import { sharedBytes } from "./merge-index-rows.ts";

/** To what an index section belongs. */
export type IndexSectionPlace = {
  readonly indexKey: Uint8Array;
  readonly storeId: Uint8Array;
  /** The packs that the state adds, in its order. */
  readonly packIds: readonly PackId[];
};

/**
 * Seals sorted index rows as the index section of a state: nonce 24, sealed content, as parts that lie one behind the other. None for no
 * rows. Holds as little as it can.
 *
 * @param takeRows - hands the rows over: the caller keeps no reference, so that they can be collected
 * @throws {HoldfastError} invalid: more rows than a section may have
 */
export function sealIndexRows(
  takeRows: () => Uint8Array,
  options: IndexSectionPlace & { readonly random: Random },
): Uint8Array<ArrayBuffer>[] {
  const content = indexContent(takeRows());
  if (content === undefined) return [];
  const nonce = options.random(24);
  const { ciphertext, tag } = sealParts(
    { key: options.indexKey, nonce, aad: indexAad(options.storeId, options.packIds) },
    content,
  );
  return [nonce, ciphertext, tag];
}

function indexContent(rows: Uint8Array): Uint8Array<ArrayBuffer> | undefined {
  if (rows.byteLength === 0) return undefined;
  if (rows.byteLength > formatLimits.indexRows * indexRowBytes) {
    throw new HoldfastError(
      "invalid",
      `Cannot index ${rows.byteLength / indexRowBytes} blobs in one state: it may add ${formatLimits.indexRows}`,
      {
        hint: "Back up fewer directories at a time.",
      },
    );
  }
  const { prefixes, columns } = splitIndexRows(rows);
  return encodeIndexContent({ codec: 1, prefixes, encodedColumns: compress(columns, 3) });
}

/**
 * Opens an index section to sorted rows in shared memory; segments are numbered as in the state.
 *
 * @throws {HoldfastError} corrupt or incompatible
 */
export function openIndexSection(
  section: Uint8Array,
  options: IndexSectionPlace & { readonly segmentCount: number; readonly subject: string },
): Uint8Array {
  if (section.byteLength === 0) return new Uint8Array(0);
  const { subject } = options;
  if (section.byteLength < 40) throw new HoldfastError("corrupt", `Cannot read ${subject}: it ends early`);
  const aad = indexAad(options.storeId, options.packIds);
  const content = open({ key: options.indexKey, nonce: section.subarray(0, 24), aad }, section.subarray(24));
  const { codec, count, prefixes, encodedColumns } = decodeIndexContent(content, subject);
  if (codec > 1) throw new HoldfastError("incompatible", `Cannot read ${subject}: its codec ${codec} is not known`);
  const columns = codec === 0 ? encodedColumns : decompress(encodedColumns, count * 12);
  const rows = sharedBytes(count * indexRowBytes);
  joinIndexRows(rows, { prefixes, columns, segmentCount: options.segmentCount, subject });
  return rows;
}
