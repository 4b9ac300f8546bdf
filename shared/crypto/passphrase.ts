import { argon2 as nativeArgon2 } from "node:crypto";
import { promisify } from "node:util";
import { HoldfastError } from "#shared/errors.ts";

/** The cost of turning a passphrase into a key, and the salt. Stored in the key slot; no secret. */
export type PassphraseParameters = {
  /** 16 to 64 random bytes. */
  readonly salt: Uint8Array;
  /** Memory filled, in KiB. */
  readonly memoryKiB: number;
  /** How often the memory is gone through. */
  readonly passes: number;
  /** Lanes that can be computed at the same time. */
  readonly parallelism: number;
};

/** Bytes of a key derived from a passphrase. */
export const passphraseKeyBytes = 32;

/** The cost given to new key slots: RFC 9106's second recommended option (64 MiB, 3 passes, 4 lanes). */
export const defaultPassphraseCost = { memoryKiB: 64 * 1024, passes: 3, parallelism: 4 } as const;

/** The most that is accepted from a key slot, so that a hostile one cannot hang or exhaust whoever opens the store. */
export const passphraseCostLimits = {
  saltMinBytes: 16,
  saltMaxBytes: 64,
  memoryMinKiB: 8,
  memoryMaxKiB: 4 * 1024 * 1024,
  passesMax: 64,
  /** Memory times passes: half a minute to a minute of work on a machine of today. */
  workMaxKiB: 32 * 1024 * 1024,
  parallelismMax: 64,
} as const;

const runNativeArgon2 = typeof nativeArgon2 === "function" ? promisify(nativeArgon2) : undefined;

/**
 * Turns a passphrase into a 32-byte key with Argon2id (version 1.3), off the main thread where the runtime can.
 *
 * The passphrase is put in Unicode normal form C first, so that the same characters give the same key on every system.
 *
 * @param options - `native: false` keeps to WASM, which gives the same bytes
 * @throws {HoldfastError} invalid: an empty passphrase
 * @throws {HoldfastError} corrupt: parameters outside `passphraseCostLimits`
 * @throws {HoldfastError} unavailable: not enough memory
 * @see RFC 9106
 */
export async function derivePassphraseKey(
  passphrase: string,
  parameters: PassphraseParameters,
  options: { readonly native?: boolean } = {},
): Promise<Uint8Array<ArrayBuffer>> {
  if (passphrase.length === 0) {
    throw new HoldfastError("invalid", "Cannot derive a key from the passphrase: it is empty", {
      hint: "Give a passphrase of several words.",
    });
  }
  checkPassphraseParameters(parameters);
  const { salt, memoryKiB, passes, parallelism } = parameters;
  const message = new TextEncoder().encode(passphrase.normalize("NFC"));
  try {
    if (runNativeArgon2 !== undefined && options.native !== false) {
      const key = await runNativeArgon2("argon2id", {
        message,
        nonce: salt,
        parallelism,
        tagLength: passphraseKeyBytes,
        memory: memoryKiB,
        passes,
      });
      return new Uint8Array(key);
    }
    const { wasmArgon2id } = await import("./wasm-argon2id.ts");
    const key = await wasmArgon2id({
      password: message,
      salt,
      iterations: passes,
      parallelism,
      memorySize: memoryKiB,
      hashLength: passphraseKeyBytes,
    });
    return new Uint8Array(key);
  } catch (cause) {
    throw new HoldfastError(
      "unavailable",
      `Cannot derive a key from the passphrase: Argon2id with ${memoryKiB} KiB failed`,
      {
        detail: { memoryKiB, passes, parallelism },
        hint: "Free some memory, or raise the limits on memory and processes (`ulimit -v`, `ulimit -u`), and try again.",
        cause,
      },
    );
  } finally {
    message.fill(0);
  }
}

/** Checks parameters read from a key slot before they cost anything. @throws {HoldfastError} corrupt: outside the limits */
export function checkPassphraseParameters(parameters: PassphraseParameters): void {
  const { salt, memoryKiB, passes, parallelism } = parameters;
  const limits = passphraseCostLimits;
  const fits =
    salt.length >= limits.saltMinBytes &&
    salt.length <= limits.saltMaxBytes &&
    isWithin(parallelism, 1, limits.parallelismMax) &&
    isWithin(passes, 1, limits.passesMax) &&
    memoryKiB * passes <= limits.workMaxKiB &&
    isWithin(memoryKiB, limits.memoryMinKiB * parallelism, limits.memoryMaxKiB);
  if (fits) return;
  throw new HoldfastError(
    "corrupt",
    "Cannot derive a key from the passphrase: the key slot asks for a cost out of bounds",
    {
      detail: { saltBytes: salt.length, memoryKiB, passes, parallelism },
      hint: "Open the store with another key slot, and remove this one.",
    },
  );
}

function isWithin(value: number, min: number, max: number): boolean {
  return Number.isSafeInteger(value) && value >= min && value <= max;
}
