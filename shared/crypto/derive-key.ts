import { hkdfSync } from "node:crypto";

/** What a key derived from a secret is for. The label is part of the format: another label is another key. */
export type KeyLabel = `holdfast/v1/${string}`;

/**
 * Derives an independent key for one purpose from a secret of full entropy: HKDF-SHA256, empty salt, the label as info.
 *
 * @param secret - at least 32 unpredictable bytes; for a passphrase use `derivePassphraseKey`
 * @returns `lengthBytes` (32 unless told) bytes in a buffer of its own
 * @see RFC 5869
 */
export function deriveKey(secret: Uint8Array, label: KeyLabel, lengthBytes = 32): Uint8Array<ArrayBuffer> {
  return new Uint8Array(hkdfSync("sha256", secret, new Uint8Array(0), label, lengthBytes));
}
