import { HoldfastError } from "#shared/errors.ts";
import { hpkeKeyBytes } from "./hpke-key-pair.ts";
import type { HpkeKeyPair } from "./hpke-key-pair.ts";
import { hpkeSuite } from "./hpke-suite.ts";

/** Bytes that `sealTo` adds to a plaintext: the encapsulated key and the tag. */
export const hpkeOverheadBytes = hpkeKeyBytes + 16;

/**
 * Seals `plaintext` to the holder of a private key, in RFC 9180 base mode (the sender stays anonymous).
 *
 * @param publicKey - 32 bytes, X25519
 * @param info - what this message is for; `openWith` must be given the same
 * @returns the 32-byte encapsulated key followed by ciphertext and tag
 * @throws {HoldfastError} invalid: `publicKey` is not a usable X25519 key
 */
export async function sealTo(
  publicKey: Uint8Array,
  info: Uint8Array,
  plaintext: Uint8Array,
): Promise<Uint8Array<ArrayBuffer>> {
  let message;
  try {
    const key = await hpkeSuite.DeserializePublicKey(publicKey);
    message = await hpkeSuite.Seal(key, plaintext, { info });
  } catch (cause) {
    throw new HoldfastError("invalid", "Cannot seal to this public key: it is not a usable X25519 key", { cause });
  }
  const { encapsulatedSecret, ciphertext } = message;
  const sealed = new Uint8Array(encapsulatedSecret.length + ciphertext.length);
  sealed.set(encapsulatedSecret, 0);
  sealed.set(ciphertext, encapsulatedSecret.length);
  return sealed;
}

/**
 * Opens what `sealTo` made for the holder of `keyPair`.
 *
 * @throws {HoldfastError} corrupt: the bytes, the info or the key are not those of the sealing
 * @throws {HoldfastError} invalid: `keyPair` is not a usable X25519 key pair
 */
export async function openWith(
  keyPair: HpkeKeyPair,
  info: Uint8Array,
  sealed: Uint8Array,
): Promise<Uint8Array<ArrayBuffer>> {
  let key;
  try {
    key = {
      privateKey: await hpkeSuite.DeserializePrivateKey(keyPair.privateKey),
      publicKey: await hpkeSuite.DeserializePublicKey(keyPair.publicKey),
    };
  } catch {
    throw new HoldfastError("invalid", "Cannot open with this key pair: it is not a usable X25519 key pair");
  }
  try {
    const encapsulated = sealed.subarray(0, hpkeKeyBytes);
    return new Uint8Array(await hpkeSuite.Open(key, encapsulated, sealed.subarray(hpkeKeyBytes), { info }));
  } catch {
    throw new HoldfastError(
      "corrupt",
      `Cannot open ${sealed.length} bytes sealed to a public key: they do not authenticate`,
      {
        detail: { sealedBytes: sealed.length },
        hint: "Check that this is the key of this store, then run `holdfast check`.",
      },
    );
  }
}
