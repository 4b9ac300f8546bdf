import type { IHasher } from "hash-wasm";
import { HoldfastError } from "#shared/errors.ts";
import { loadNativeBlake3 } from "./native-blake3.ts";

/** Bytes of a MAC and of its key. */
export const macBytes = 32;

/** A keyed hash with 32-byte output. Not for use by two callers at once: it is synchronous and owned by one thread. */
export type Mac = {
  /** The algorithm and what computes it, for reports. */
  readonly name: string;
  /** The MAC of `data`: 32 bytes in a buffer of its own. */
  digest(data: Uint8Array): Uint8Array<ArrayBuffer>;
  /** Writes the MAC of `data` to the 32 bytes of `out` at `outOffset`. */
  digestInto(data: Uint8Array, out: Uint8Array, outOffset: number): void;
};

/**
 * From this many bytes on the native hasher is the faster one. Measured: 1 KiB 1.1 µs by WASM and 1.7 µs native; 2 KiB 2.1 and 1.8;
 * 4 KiB 4.7 and 1.9; 512 KiB 532 and 48.
 */
export const macNativeFromBytes = 1792;

/** So many small inputs the native hasher takes as well, before WASM is worth its start, which takes as long as the gain at 30,000 of them. */
export const macWasmFromDigests = 8192;

/**
 * Makes the MAC that names blobs: BLAKE3 in keyed mode.
 *
 * The native hasher serves what it is faster at, where it is installed; WASM serves the rest, once that is much, or all. Both give
 * the same bytes.
 *
 * @param key - 32 bytes
 * @param options - `native: false` keeps to WASM
 * @throws {HoldfastError} invalid: a key of another length
 * @see BLAKE3 paper, section 2.3 (keyed_hash)
 */
export async function createMac(key: Uint8Array, options: { readonly native?: boolean } = {}): Promise<Mac> {
  if (key.length !== macBytes) {
    throw new HoldfastError("invalid", `Cannot make a MAC with a key of ${key.length} bytes: it must have ${macBytes}`);
  }
  const ownKey = key.slice();
  const NativeHasher = options.native === false ? undefined : loadNativeBlake3();
  const native = NativeHasher?.newKeyed(Buffer.from(key));
  let wasm = native === undefined ? await createWasmHasher(ownKey) : undefined;
  let smallOnes = 0;

  // As text, because a Buffer from native code costs more than the whole hash of a small input.
  const nativeBytes = Buffer.alloc(macBytes);

  const digestInto = (data: Uint8Array, out: Uint8Array, outOffset: number): void => {
    if (wasm !== undefined && (native === undefined || data.length < macNativeFromBytes)) {
      out.set(wasm.init().update(data).digest("binary"), outOffset);
      return;
    }
    if (native === undefined) throw new HoldfastError("internal", "There is no hasher");
    if (data.length < macNativeFromBytes && ++smallOnes === macWasmFromDigests) {
      // Where that fails the native one goes on.
      createWasmHasher(ownKey).then(
        (made) => (wasm = made),
        () => undefined,
      );
    }
    native.reset();
    native.update(data);
    nativeBytes.write(native.digest("base64"), "base64");
    out.set(nativeBytes, outOffset);
  };
  return {
    name: native === undefined ? "blake3-keyed (wasm)" : "blake3-keyed (native, wasm)",
    digestInto,
    digest: (data) => {
      const out = new Uint8Array(macBytes);
      digestInto(data, out, 0);
      return out;
    },
  };
}

async function createWasmHasher(key: Uint8Array): Promise<IHasher> {
  const { wasmBlake3 } = await import("./wasm-blake3.ts");
  return wasmBlake3(key);
}
