import { createHash } from "node:crypto";

/** As the real one. */
export type HpkeKeyPair = { readonly privateKey: Uint8Array; readonly publicKey: Uint8Array };

/** As the real one. */
export const hpkeKeyBytes = 32;

/** A pair that follows from the seed, without the threads of WebCrypto. */
export async function deriveHpkeKeyPair(seed: Uint8Array): Promise<HpkeKeyPair> {
  return { privateKey: digest("private", seed), publicKey: digest("public", seed) };
}

function digest(label: string, seed: Uint8Array): Uint8Array<ArrayBuffer> {
  return new Uint8Array(createHash("sha256").update(label).update(seed).digest());
}
