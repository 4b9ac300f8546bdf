import { createRequire } from "node:module";

/** The part in use of the native BLAKE3 hasher. `reset` keeps the key. */
export type NativeBlake3Hasher = {
  reset(): void;
  update(input: Uint8Array): unknown;
  /** The hash as text; `format` is "hex" or "base64". */
  digest(format: string): string;
};

type NativeBlake3 = { newKeyed(key: Uint8Array): NativeBlake3Hasher };

let loaded: { readonly hasher: NativeBlake3 | undefined } | undefined;

/**
 * The native BLAKE3 of the optional dependency `@napi-rs/blake-hash`, or `undefined` where it is not installed or has
 * no build for this machine; WASM then does the same work.
 */
export function loadNativeBlake3(): NativeBlake3 | undefined {
  loaded ??= { hasher: requireNativeBlake3() };
  return loaded.hasher;
}

function requireNativeBlake3(): NativeBlake3 | undefined {
  try {
    const module: { Blake3Hasher?: NativeBlake3 } = createRequire(import.meta.url)("@napi-rs/blake-hash");
    return typeof module.Blake3Hasher?.newKeyed === "function" ? module.Blake3Hasher : undefined;
  } catch {
    return undefined;
  }
}
