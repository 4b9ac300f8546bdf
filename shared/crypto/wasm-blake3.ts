import { createBLAKE3, type IHasher } from "hash-wasm";

/* A module of its own, so that what starts without it does not load it. */

/** A keyed BLAKE3 with 32-byte output in WASM. */
export function wasmBlake3(key: Uint8Array): Promise<IHasher> {
  return createBLAKE3(256, key);
}
