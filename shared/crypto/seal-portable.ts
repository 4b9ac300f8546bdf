import { xchacha20poly1305 } from "@noble/ciphers/chacha.js";
import { cannotOpen, checkSealContext, sealTagBytes } from "./seal.ts";
import type { SealContext } from "./seal.ts";

/** The portable twin of `seal`: the same bytes from plain JavaScript, for any runtime and for cross-checking. */
export function sealPortable(context: SealContext, plaintext: Uint8Array): Uint8Array<ArrayBuffer> {
  checkSealContext(context);
  return new Uint8Array(xchacha20poly1305(context.key, context.nonce, context.aad).encrypt(plaintext));
}

/** The portable twin of `open`. @throws {HoldfastError} corrupt: the bytes do not authenticate */
export function openPortable(context: SealContext, sealed: Uint8Array): Uint8Array<ArrayBuffer> {
  checkSealContext(context);
  if (sealed.length < sealTagBytes) throw cannotOpen(sealed.length);
  try {
    return new Uint8Array(xchacha20poly1305(context.key, context.nonce, context.aad).decrypt(sealed));
  } catch {
    throw cannotOpen(sealed.length);
  }
}
