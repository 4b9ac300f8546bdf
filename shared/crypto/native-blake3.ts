import { createRequire } from "node:module";
import { loadNativeCode } from "#shared/work/native-code.ts";

/** The part in use of the native BLAKE3 hasher. `reset` keeps the key. */
export type NativeBlake3Hasher = {
  reset(): void;
  update(input: Uint8Array): unknown;
  /** The hash as text; `format` is "hex" or "base64". */
  digest(format: string): string;
};

type NativeBlake3 = { newKeyed(key: Uint8Array): NativeBlake3Hasher };

type NativeBlake3Module = { Blake3Hasher?: NativeBlake3 };

let loaded: { readonly hasher: NativeBlake3 | undefined } | undefined;

/**
 * The native BLAKE3 of the optional dependency `@napi-rs/blake-hash`, or `undefined` where it is not installed or has
 * no build for this machine; WASM then does the same work.
 */
export function loadNativeBlake3(): NativeBlake3 | undefined {
  loaded ??= { hasher: loadNativeCode(requireNativeBlake3) };
  return loaded.hasher;
}

function requireNativeBlake3(): NativeBlake3 | undefined {
  const require = createRequire(import.meta.url);
  try {
    return hasherOf(buildForGlibc(require) ?? require("@napi-rs/blake-hash"));
  } catch {
    return undefined;
  }
}

/**
 * The build for Linux with glibc, if that is installed and loads. The package itself finds out which C library there is by a diagnostic report
 * on the whole process, which takes as long as a thousand hashes of a tree node.
 */
function buildForGlibc(require: NodeJS.Require): NativeBlake3Module | undefined {
  if (process.platform !== "linux") return undefined;
  try {
    // Found from the package: it is a dependency of that, not of this program.
    return createRequire(require.resolve("@napi-rs/blake-hash"))(`@napi-rs/blake-hash-linux-${process.arch}-gnu`);
  } catch {
    return undefined;
  }
}

function hasherOf(module: NativeBlake3Module): NativeBlake3 | undefined {
  return typeof module.Blake3Hasher?.newKeyed === "function" ? module.Blake3Hasher : undefined;
}
