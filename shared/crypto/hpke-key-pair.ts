import { createPrivateKey, createPublicKey } from "node:crypto";
import { KDF_HKDF_SHA256, LabeledExpand, LabeledExtract } from "hpke";
import { HoldfastError } from "#shared/errors.ts";
import { wipe } from "./wipe.ts";

/** An X25519 key pair as bytes, 32 each. */
export type HpkeKeyPair = { readonly privateKey: Uint8Array; readonly publicKey: Uint8Array };

/** Bytes of an X25519 public key, of a private key, and of the encapsulated key at the head of what `sealTo` makes. */
export const hpkeKeyBytes = 32;

const ascii = new TextEncoder();
const empty = new Uint8Array(0);
// RFC 9180 section 4.1: "KEM" and the id of DHKEM(X25519, HKDF-SHA256).
const kemSuiteId = new Uint8Array([...ascii.encode("KEM"), 0x00, 0x20]);
// RFC 8410: what stands before the 32 bytes in PKCS #8 and in SubjectPublicKeyInfo.
const pkcs8Prefix = Buffer.from("302e020100300506032b656e04220420", "hex");
const spkiPrefixBytes = 12;

/**
 * The X25519 key pair that belongs to `seed`: the same every time.
 *
 * The library derives key pairs too, but asks WebCrypto for the public half by a call that Node still warns about.
 *
 * @param seed - at least 32 unpredictable bytes, used for nothing else
 * @throws {HoldfastError} invalid: a seed under 32 bytes
 * @see RFC 9180 section 7.1.3, DeriveKeyPair
 */
export async function deriveHpkeKeyPair(seed: Uint8Array): Promise<HpkeKeyPair> {
  if (seed.length < hpkeKeyBytes) {
    throw new HoldfastError(
      "invalid",
      `Cannot derive a key pair from ${seed.length} bytes: it needs at least ${hpkeKeyBytes}`,
    );
  }
  const kdf = KDF_HKDF_SHA256();
  const pseudorandomKey = await LabeledExtract(kdf, kemSuiteId, empty, ascii.encode("dkp_prk"), seed);
  const privateKey = await LabeledExpand(kdf, kemSuiteId, pseudorandomKey, ascii.encode("sk"), empty, hpkeKeyBytes);
  wipe(pseudorandomKey);
  return { privateKey, publicKey: publicKeyOf(privateKey) };
}

function publicKeyOf(privateKey: Uint8Array): Uint8Array<ArrayBuffer> {
  const der = Buffer.concat([pkcs8Prefix, privateKey]);
  const key = createPrivateKey({ key: der, format: "der", type: "pkcs8" });
  der.fill(0);
  return new Uint8Array(createPublicKey(key).export({ format: "der", type: "spki" }).subarray(spkiPrefixBytes));
}
