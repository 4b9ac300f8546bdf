import { type Bundle, bundleKeys } from "#shared/crypto/bundle.ts";
import { sha256 } from "#shared/crypto/sha256.ts";
import type { Signer } from "#shared/crypto/signing.ts";
import { equalBytes } from "#shared/bytes/equal-bytes.ts";
import { decodeConfig, type StoreConfig } from "#shared/format/config.ts";
import type { LogMark } from "#shared/log/log-state.ts";
import { type OpenedLog, openLog } from "#shared/log/open-log.ts";
import { configKey } from "#shared/store/object-key.ts";
import type { Store } from "#shared/store/store.ts";
import { HoldfastError, isHoldfastError } from "#shared/errors.ts";
import type { Clock } from "#shared/clock.ts";
import type { Random } from "#shared/random.ts";
import { findRemains } from "./find-remains.ts";
import { openKeySlot, type SlotSecret } from "./key-slots.ts";
import { publicSecret } from "./public-secret.ts";
import { Repository } from "./repository.ts";

/** The config of a store and the hash that binds key slots to it. */
export type ReadConfig = { readonly config: StoreConfig; readonly configSha256: Uint8Array };

/**
 * Reads the config of a store.
 *
 * @throws {HoldfastError} absent: there is no store
 * @throws {HoldfastError} corrupt or incompatible; corrupt also where only the config is missing
 */
export async function readConfig(store: Store): Promise<ReadConfig> {
  let bytes: Uint8Array;
  try {
    bytes = await store.get(configKey);
  } catch (cause) {
    if (!isHoldfastError(cause, "absent")) throw cause;
    const remains = await findRemains(store);
    if (remains !== undefined) {
      throw new HoldfastError(
        "corrupt",
        `Cannot open ${store.description}: its config is missing, and backups are there, such as ${remains}`,
        {
          detail: { key: configKey, found: remains },
          cause,
          hint: "Bring the object `config` back from a replica or an older version of it: without it nothing can be read.",
        },
      );
    }
    throw new HoldfastError("absent", `Cannot open ${store.description}: there is no store`, {
      cause,
      hint: "Check the place, or make one there with `holdfast at <store> create`.",
    });
  }
  return { config: decodeConfig(bytes), configSha256: sha256(bytes) };
}

/**
 * Makes sure that the store still has what no backup can be read without.
 *
 * @throws {HoldfastError} absent: it was taken away since it was opened
 */
export async function requireConfig(store: Store): Promise<void> {
  try {
    await store.head(configKey);
  } catch (cause) {
    if (!isHoldfastError(cause, "absent")) throw cause;
    throw new HoldfastError("absent", `Cannot write to ${store.description}: its config has gone since it was opened`, {
      detail: { key: configKey },
      cause,
      hint: "Find out who took the store away. Nothing was published.",
    });
  }
}

/**
 * The bundle that a secret opens. For a store that anyone can read the secret is not asked for.
 *
 * @throws {HoldfastError} denied: it fits no key slot
 */
export async function openBundle(store: Store, read: ReadConfig, secret: () => Promise<SlotSecret>): Promise<Bundle> {
  const { config, configSha256 } = read;
  const bundle: Bundle =
    config.secrecy === "public"
      ? { role: "owner", masterSecret: publicSecret(config.storeId) }
      : (await openKeySlot({ store, storeId: config.storeId, configSha256 }, await secret())).bundle;
  const keys = await bundleKeys(bundle);
  if (keys.hpke !== undefined && !equalBytes(keys.hpke.publicKey, config.publicKey)) {
    throw new HoldfastError("corrupt", "Cannot open the store: its config names another public key than its keys give");
  }
  return bundle;
}

/** Reads the log of a store, from its newest checkpoint on. It needs no key, so that it can be read while one is asked for. */
export function readStoreLog(store: Store, read: ReadConfig, atLeast?: LogMark): Promise<OpenedLog> {
  return openLog({ store, storeId: read.config.storeId, ...(atLeast === undefined ? {} : { atLeast }) });
}

/** Opens a repository: config, keys, log. States are read on demand. */
export async function openRepository(options: {
  readonly store: Store;
  readonly read: ReadConfig;
  readonly bundle: Bundle;
  readonly signer: Signer;
  readonly clock: Clock;
  readonly random: Random;
  /** The highest log entry that this client has seen before. */
  readonly atLeast?: LogMark;
  /** The log, where it is being read already: what `readStoreLog` gave. */
  readonly log?: Promise<OpenedLog>;
  /** Is told what of the checkpoint could not be used. */
  readonly onWarning?: (error: HoldfastError) => void;
}): Promise<Repository> {
  const { store, read, atLeast } = options;
  const { state, checkpoint } = await (options.log ?? readStoreLog(store, read, atLeast));
  return new Repository({
    store,
    config: read.config,
    configSha256: read.configSha256,
    keys: await bundleKeys(options.bundle),
    log: state,
    checkpoint,
    onWarning: options.onWarning,
    signer: options.signer,
    clock: options.clock,
    random: options.random,
  });
}
