import { argon2id } from "hash-wasm";

/* A module of its own, so that what starts without it does not load it. */

/** Argon2id in WASM. */
export function wasmArgon2id(options: Omit<Parameters<typeof argon2id>[0], "outputType">): Promise<Uint8Array> {
  return argon2id({ ...options, outputType: "binary" });
}
