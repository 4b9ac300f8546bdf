import { deriveKey } from "#shared/crypto/derive-key.ts";
import { sha256 } from "#shared/crypto/sha256.ts";
import { idToBytes, type StoreId } from "#shared/format/ids.ts";

/**
 * The master secret of a store made with `create --plaintext`: it follows from the store id, so anyone who can read the store
 * can read, change and forge everything in it. Damage is still found.
 */
export function publicSecret(storeId: StoreId): Uint8Array<ArrayBuffer> {
  return deriveKey(sha256(idToBytes(storeId)), "holdfast/v1/public-master");
}
