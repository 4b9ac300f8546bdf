import { checkChunkSizes } from "#shared/chunking/chunk-sizes.ts";
import { decodeConfig, encodeConfig, type StoreConfig } from "#shared/format/config.ts";
import { idFromBytes } from "#shared/format/ids.ts";
import { deriveKeys } from "#shared/crypto/derive-keys.ts";
import { encodeRecoveryKey, recoverySecretBytes } from "#shared/crypto/recovery-key.ts";
import { sha256 } from "#shared/crypto/sha256.ts";
import { configKey } from "#shared/store/object-key.ts";
import type { Store } from "#shared/store/store.ts";
import { HoldfastError, isHoldfastError } from "#shared/errors.ts";
import { compressionLevels, defaultCompressionLevel } from "#shared/compression/compress.ts";
import type { Clock } from "#shared/clock.ts";
import type { Random } from "#shared/random.ts";
import { findRemains } from "./find-remains.ts";
import { addKeySlot } from "./key-slots.ts";
import { publicSecret } from "./public-secret.ts";

/** What may be chosen when a store is created. */
export type StoreSettings = Partial<Pick<StoreConfig, "segmentBytes" | "packBytes" | "graceMs">> & {
  readonly chunkMinBytes?: number;
  readonly chunkAvgBytes?: number;
  readonly chunkMaxBytes?: number;
  readonly compressionLevel?: number;
};

const day = 24 * 60 * 60 * 1000;

/** The settings of a store for which nothing was chosen. */
export const defaultSettings = {
  segmentBytes: 1024 * 1024,
  packBytes: 16 * 1024 * 1024,
  graceMs: 7 * day,
  chunkMinBytes: 128 * 1024,
  chunkAvgBytes: 512 * 1024,
  chunkMaxBytes: 2 * 1024 * 1024,
  compressionLevel: defaultCompressionLevel,
} as const;

/**
 * Makes a new repository in a store that has none: key slots first, then `config`, which decides.
 *
 * @param options.keepRecoveryKey - gives the recovery key to the person, before there is a store: where it throws none is made
 * @param options.passphrase - of the first owner; undefined makes a store that anyone can read
 * @returns the config, and the recovery key, which is kept nowhere else
 * @throws {HoldfastError} conflict: there is a repository already, or what is left of one
 * @throws {HoldfastError} invalid: a setting is out of its bounds; nothing was written
 */
export async function createRepository(options: {
  readonly store: Store;
  readonly passphrase: string | undefined;
  readonly settings?: StoreSettings;
  readonly keepRecoveryKey?: (recoveryKey: string, storeId: string) => Promise<void>;
  readonly random: Random;
  readonly clock: Clock;
}): Promise<{ config: StoreConfig; recoveryKey: string | undefined }> {
  const { store, passphrase, random, clock } = options;
  await refuseExisting(store);
  const settings = { ...defaultSettings, ...options.settings };
  const storeId = idFromBytes("store", random(16));
  const masterSecret = passphrase === undefined ? publicSecret(storeId) : random(32);
  const keys = await deriveKeys(masterSecret);
  const config: StoreConfig = {
    storeId,
    createdMs: clock.nowMs(),
    secrecy: passphrase === undefined ? "public" : "sealed",
    chunker: {
      id: "fastcdc-gear64-v1",
      minBytes: settings.chunkMinBytes,
      avgBytes: settings.chunkAvgBytes,
      maxBytes: settings.chunkMaxBytes,
    },
    segmentBytes: settings.segmentBytes,
    packBytes: settings.packBytes,
    compression: { id: "zstd", level: settings.compressionLevel },
    publicKey: keys.hpke.publicKey,
    graceMs: settings.graceMs,
  };
  const bytes = encodeUsable(config);
  let recoveryKey: string | undefined;
  if (passphrase !== undefined) {
    const place = { store, storeId, configSha256: sha256(bytes) };
    const bundle = { role: "owner", masterSecret } as const;
    await addKeySlot(
      place,
      { bundle, label: "first passphrase", secret: { kind: "passphrase", passphrase } },
      { random, clock },
    );
    const secret = random(recoverySecretBytes);
    await addKeySlot(place, { bundle, label: "recovery key", secret: { kind: "random", secret } }, { random, clock });
    recoveryKey = encodeRecoveryKey(secret);
    await options.keepRecoveryKey?.(recoveryKey, storeId);
  }
  await store.put(configKey, [bytes]);
  return { config, recoveryKey };
}

/** The bytes of a config, once it is sure that they open: a store whose config does not would be lost. */
function encodeUsable(config: StoreConfig): Uint8Array<ArrayBuffer> {
  checkChunkSizes(config.chunker);
  const { level } = config.compression;
  // The format has room for levels whose windows not every decoder offers; nothing is compressed with those.
  if (level > compressionLevels.max) {
    throw new HoldfastError(
      "invalid",
      `Cannot create a store with compression level ${level}: the highest is ${compressionLevels.max}`,
    );
  }
  try {
    const bytes = encodeConfig(config);
    decodeConfig(bytes);
    return bytes;
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new HoldfastError("invalid", `Cannot create a store with these settings: ${reason}`, { cause });
  }
}

async function refuseExisting(store: Store): Promise<void> {
  try {
    await store.head(configKey);
  } catch (error) {
    if (!isHoldfastError(error, "absent")) throw error;
    const remains = await findRemains(store);
    if (remains === undefined) return;
    throw new HoldfastError(
      "conflict",
      `Cannot create a store at ${store.description}: backups are there already, such as ${remains}, and only their config is missing`,
      {
        detail: { key: remains },
        hint: "Choose another place; or bring the object `config` back from a replica or an older version of it.",
      },
    );
  }
  throw new HoldfastError("conflict", `Cannot create a store at ${store.description}: there is one already`, {
    hint: "Choose another place, or use the store that is there.",
  });
}
