import { createPrivateKey, createPublicKey, sign, verify } from "node:crypto";
import type { KeyObject } from "node:crypto";
import { HoldfastError } from "#shared/errors.ts";

/** Bytes of an Ed25519 seed (the secret). */
export const signingSeedBytes = 32;

/** Bytes of an Ed25519 public key. */
export const signingPublicKeyBytes = 32;

/** Bytes of an Ed25519 signature. */
export const signatureBytes = 64;

/** An Ed25519 identity that signs. */
export type Signer = {
  /** 32 bytes; names the signer to everyone. */
  readonly publicKey: Uint8Array<ArrayBuffer>;
  /** The 64-byte signature of `message`: the same every time. */
  sign(message: Uint8Array): Uint8Array<ArrayBuffer>;
};

// RFC 8410: what stands before the 32 bytes in PKCS #8 and in SubjectPublicKeyInfo.
const privateKeyPrefix = Buffer.from("302e020100300506032b657004220420", "hex");
const publicKeyPrefix = Buffer.from("302a300506032b6570032100", "hex");

/**
 * Makes a signer from a seed.
 *
 * @param seed - 32 unpredictable bytes
 * @throws {HoldfastError} invalid: a seed of another length
 * @see RFC 8032, Ed25519
 */
export function createSigner(seed: Uint8Array): Signer {
  if (seed.length !== signingSeedBytes) {
    throw new HoldfastError(
      "invalid",
      `Cannot sign with a seed of ${seed.length} bytes: it must have ${signingSeedBytes}`,
    );
  }
  const der = Buffer.concat([privateKeyPrefix, seed]);
  const privateKey = createPrivateKey({ key: der, format: "der", type: "pkcs8" });
  der.fill(0);
  const spki = createPublicKey(privateKey).export({ format: "der", type: "spki" });
  return {
    publicKey: new Uint8Array(spki.subarray(publicKeyPrefix.length)),
    sign: (message) => new Uint8Array(sign(undefined, message, privateKey)),
  };
}

/**
 * Whether `signature` is the Ed25519 signature of `message` by the holder of `publicKey`.
 *
 * Anything malformed (a wrong length, a point that is none, a non-canonical scalar) is false and never an exception.
 */
export function verifySignature(publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean {
  if (publicKey.length !== signingPublicKeyBytes || signature.length !== signatureBytes) return false;
  const key = importPublicKey(publicKey);
  return key !== undefined && verify(undefined, message, key, signature);
}

function importPublicKey(publicKey: Uint8Array): KeyObject | undefined {
  try {
    return createPublicKey({ key: Buffer.concat([publicKeyPrefix, publicKey]), format: "der", type: "spki" });
  } catch {
    return undefined;
  }
}
