import { createHash } from "node:crypto";
import { HoldfastError } from "#shared/errors.ts";
import type { HpkeKeyPair } from "./stand-in-hpke-key-pair.ts";

/** As the real one. */
export const hpkeOverheadBytes = 48;

/** Seals nothing: puts the plaintext between the public key and a hash of all, so that it is as long as the real one, and the same every time. */
export async function sealTo(
  publicKey: Uint8Array,
  info: Uint8Array,
  plaintext: Uint8Array,
): Promise<Uint8Array<ArrayBuffer>> {
  return new Uint8Array(Buffer.concat([publicKey, plaintext, tag(publicKey, info, plaintext)]));
}

/** Opens what `sealTo` made for this key pair and this purpose. */
export async function openWith(
  keyPair: HpkeKeyPair,
  info: Uint8Array,
  sealed: Uint8Array,
): Promise<Uint8Array<ArrayBuffer>> {
  const plaintext = sealed.slice(32, -16);
  if (!tag(keyPair.publicKey, info, plaintext).equals(sealed.subarray(-16)))
    throw new HoldfastError(
      "corrupt",
      `Cannot open ${sealed.length} bytes sealed to a public key: they do not authenticate`,
    );
  return plaintext;
}

function tag(publicKey: Uint8Array, info: Uint8Array, plaintext: Uint8Array): Buffer {
  return createHash("sha256").update(publicKey).update(info).update(plaintext).digest().subarray(0, 16);
}
