import { HoldfastError } from "#shared/errors.ts";
import { deriveKey } from "./derive-key.ts";
import { deriveHpkeKeyPair } from "./hpke-key-pair.ts";
import type { HpkeKeyPair } from "./hpke-key-pair.ts";
import { wipe } from "./wipe.ts";

/** Bytes of a store's master secret. */
export const masterSecretBytes = 32;

/** The keys of a store, all derived from its master secret; each 32 bytes. */
export type StoreKeys = {
  /** Keys the MAC that names blobs. */
  readonly idKey: Uint8Array;
  /** Keys the chunker's gear table. */
  readonly chunkKey: Uint8Array;
  /** Seals the blob index, which writers may read. */
  readonly indexKey: Uint8Array;
  /** Seals what only owners may read of a state. */
  readonly stateKey: Uint8Array;
  /** Session keys are sealed to `publicKey`; only an owner holds `privateKey`. */
  readonly hpke: HpkeKeyPair;
};

/**
 * Derives a store's keys from its master secret.
 *
 * @param masterSecret - 32 unpredictable bytes
 * @throws {HoldfastError} invalid: a master secret of another length
 * @see `deriveKey` (HKDF-SHA256) and RFC 9180 DeriveKeyPair; FORMAT.md, keys
 */
export async function deriveKeys(masterSecret: Uint8Array): Promise<StoreKeys> {
  if (masterSecret.length !== masterSecretBytes) {
    throw new HoldfastError(
      "invalid",
      `Cannot derive keys from a master secret of ${masterSecret.length} bytes: it must have ${masterSecretBytes}`,
    );
  }
  const hpkeSeed = deriveKey(masterSecret, "holdfast/v1/hpke");
  try {
    return {
      idKey: deriveKey(masterSecret, "holdfast/v1/id"),
      chunkKey: deriveKey(masterSecret, "holdfast/v1/chunk"),
      indexKey: deriveKey(masterSecret, "holdfast/v1/index"),
      stateKey: deriveKey(masterSecret, "holdfast/v1/state"),
      hpke: await deriveHpkeKeyPair(hpkeSeed),
    };
  } finally {
    wipe(hpkeSeed);
  }
}
