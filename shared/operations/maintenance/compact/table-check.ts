import { sha256 } from "#shared/crypto/sha256.ts";

/** Bytes of a `tableCheckOf`. */
export const tableCheckBytes = 16;

/** What is kept of the table of a pack where there are many packs: the first 16 bytes of its SHA-256. */
export function tableCheckOf(table: Uint8Array): Uint8Array {
  return sha256(table).subarray(0, tableCheckBytes);
}
