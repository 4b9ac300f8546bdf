import { availableParallelism } from "node:os";
import { join } from "node:path";
import { agentIdentity } from "#agent/config/agent-identity.ts";
import { privateDirectory } from "#agent/config/private-directory.ts";
import { lookAtUnused, withSecret } from "#agent/config/read-secret.ts";
import type { Secret } from "#agent/config/secret.ts";
import { systemClock } from "#shared/clock.ts";
import { type Bundle, bundleKeys } from "#shared/crypto/bundle.ts";
import { createSigner, type Signer, signingSeedBytes } from "#shared/crypto/signing.ts";
import { decodeRecoveryKey } from "#shared/crypto/recovery-key.ts";
import { isHoldfastError } from "#shared/errors.ts";
import type { KeySlot } from "#shared/format/key-slot.ts";
import { logMark, type LogState } from "#shared/log/log-state.ts";
import type { OpenedLog } from "#shared/log/open-log.ts";
import { systemRandom } from "#shared/random.ts";
import { openKeySlot, type SlotSecret } from "#shared/repository/key-slots.ts";
import { openRepository, readConfig, type ReadConfig, readStoreLog } from "#shared/repository/open-repository.ts";
import { publicSecret } from "#shared/repository/public-secret.ts";
import type { Repository } from "#shared/repository/repository.ts";
import { HoldfastError } from "#shared/errors.ts";
import { equalBytes } from "#shared/bytes/equal-bytes.ts";
import { cachingStore } from "#shared/store/caching-store.ts";
import { directoryStore } from "#shared/store/directory-store.ts";
import { statesPrefix } from "#shared/store/object-key.ts";
import { retryingStore } from "#shared/store/retrying-store.ts";
import { limitedStore } from "#shared/store/limited-store.ts";
import type { Store } from "#shared/store/store.ts";
import type { EngineParts } from "./engine-parts.ts";
import { outageText, recoveryText } from "./outage-text.ts";
import { logMarkFile, type LogMarks } from "./log-mark-file.ts";
import { proveBucket } from "./prove-bucket.ts";
import { requireClock } from "./require-clock.ts";
import { spareCache } from "./spare-cache.ts";

/** Bytes of states that are kept on disk for stores that are far away. */
const cacheBytes = 4 * 1024 * 1024 * 1024;

/** A store that has been unlocked by this run. */
export type Session = {
  readonly store: Store;
  readonly read: ReadConfig;
  readonly bundle: Bundle;
  /** The slot that opened it; undefined for a store that anyone can read. */
  readonly slot: KeySlot | undefined;
  readonly repository: Repository;
  /** Why the log cannot be all that there was; then `repository` shows what is left of it. Never with `write`. */
  readonly cutOff: HoldfastError | undefined;
  /** Why the log may be lost; it was told. */
  readonly suspicion: HoldfastError | undefined;
};

/** The store of a run with retries and limits, not yet opened. */
export function steadyStore(parts: EngineParts): Store {
  const { reporter, signal, concurrency, patience } = parts;
  const limited =
    concurrency === undefined ? parts.store : limitedStore(parts.store, { clock: systemClock, requests: concurrency });
  return retryingStore(limited, {
    clock: systemClock,
    random: systemRandom,
    signal,
    retryForMs: () => patience.retryForMs,
    onOutage: ({ error }) => reporter.notice({ level: "warning", message: outageText(error, patience.retryForMs) }),
    onRecovery: ({ lastedMs }) => reporter.notice({ level: "info", message: recoveryText(lastedMs) }),
  });
}

/**
 * Reads the config, unlocks the store with the run's secret, and opens the repository.
 *
 * @param use - `write` needs the agent's identity, and a home to keep it in; `read` signs nothing
 * @throws {HoldfastError} corrupt: with `write`, also where entries at the end of the log are lost
 * @throws {HoldfastError} unavailable: with `write`, this machine's clock is not to be used
 */
export async function openSession(parts: EngineParts, use: "read" | "write"): Promise<Session> {
  if (use === "write") requireClock();
  const steady = steadyStore(parts);
  const read = await readConfig(steady);
  const { storeId } = read.config;
  const signer = await signerOf(parts, use);
  if (use === "write") await proveBucket(parts, steady);
  const store = await cached(parts, steady, storeId);
  const log = readSeenLog(parts, store, read);
  log.catch(() => undefined); // its failure is met below, after that of a wrong passphrase
  const usable = use === "write" ? log.then(requireWholeLog) : log;
  usable.catch(() => undefined);
  const unlocked = await unlock(parts, store, read);
  const repository = await openRepository({
    store,
    read,
    bundle: unlocked.bundle,
    signer,
    clock: systemClock,
    random: systemRandom,
    log: usable,
    onWarning: ({ message }) => parts.reporter.notice({ level: "warning", message }),
  });
  const { cutOff, suspicion } = await log;
  if (cutOff !== undefined) parts.reporter.notice({ level: "warning", message: cutOff.message });
  return { store, read, ...unlocked, repository, cutOff, suspicion };
}

/**
 * Who signs what a run writes. Asked for before the log is read: where there is no place for an identity, that alone is told.
 *
 * @param use - `read` signs nothing, and needs no home
 * @throws {HoldfastError} as `agentIdentity`
 */
export async function signerOf({ directories }: EngineParts, use: "read" | "write"): Promise<Signer> {
  return use === "write" ? agentIdentity(directories.data) : createSigner(systemRandom(signingSeedBytes));
}

/** A store whose log was read, and that was not unlocked: enough for what needs no secret. */
export type KeylessSession = {
  readonly store: Store;
  readonly read: ReadConfig;
  readonly log: LogState;
  readonly signer: Signer;
  /** Keeps what was seen of the log for the next run. */
  readonly remember: (log: LogState) => void;
};

/**
 * Reads the config and the log. Asks for no secret.
 *
 * @param use - as of `openSession`
 * @throws {HoldfastError} corrupt: also where entries at the end of the log are lost; absent: a key file is named that is not there
 */
export async function openKeyless(parts: EngineParts, use: "read" | "write"): Promise<KeylessSession> {
  if (use === "write") requireClock();
  await lookAtUnused(parts.secretSources, parts.signal);
  const steady = steadyStore(parts);
  const read = await readConfig(steady);
  const { storeId } = read.config;
  const signer = await signerOf(parts, use);
  if (use === "write") await proveBucket(parts, steady);
  const store = await cached(parts, steady, storeId);
  const marks = marksOf(parts, storeId);
  const remember = (log: LogState): void => {
    if (log.seq > 0) marks.write(logMark(log));
  };
  const { state } = requireWholeLog(await readSeenLog(parts, store, read));
  return { store, read, log: state, signer, remember };
}

/** Reads the log and compares it with what was seen of the store before, at any location. Remembers it, and tells warnings. */
async function readSeenLog(parts: EngineParts, store: Store, read: ReadConfig): Promise<OpenedLog> {
  const { reporter, acceptRollback } = parts;
  const marks = marksOf(parts, read.config.storeId);
  const seen = marks.read();
  let opened: OpenedLog;
  try {
    opened = await readStoreLog(store, read, seen);
    if (opened.state.seq > 0 && opened.cutOff === undefined) marks.write(logMark(opened.state));
  } catch (error) {
    if (seen === undefined || !isHoldfastError(error, "corrupt") || !("seen" in error.detail)) throw error;
    const here = placeOf(parts);
    const there = seen.place === here ? "this very place," : `${seen.place ?? "an unknown place"}; this is`;
    const message = `${error.message} at ${there} ${here}`;
    if (!acceptRollback) {
      throw new HoldfastError("corrupt", message, {
        detail: { ...error.detail, here: placeOf(parts), ...(seen.place === undefined ? {} : { there: seen.place }) },
        hint: "Find out which copy is the true one. To go on with this one, and forget the other, add --accept-rollback.",
        cause: error,
      });
    }
    reporter.notice({ level: "warning", message: `Accepted: ${message}` });
    opened = await readStoreLog(store, read);
    marks.accept(logMark(opened.state));
  }
  for (const { message } of opened.warnings) reporter.notice({ level: "warning", message });
  if (opened.suspicion !== undefined) {
    const { message, hint = "" } = opened.suspicion;
    reporter.notice({ level: "warning", message: `${message}. ${hint}` });
  }
  return opened;
}

/** What is appended to a log that lost its end would bury what the lost entries said. */
function requireWholeLog(opened: OpenedLog): OpenedLog {
  if (opened.cutOff !== undefined) throw opened.cutOff;
  return opened;
}

/** What this host has seen of the log of a store. */
export function marksOf(parts: EngineParts, storeId: string): LogMarks {
  return logMarkFile({
    dataDirectory: parts.directories.data,
    storeId,
    place: placeOf(parts),
    reporter: parts.reporter,
  });
}

function placeOf({ store, storeDirectory }: EngineParts): string {
  return storeDirectory ?? store.description;
}

/** Remembers what this run has seen of the log, for the next one. */
export function rememberLog(parts: EngineParts, repository: Repository): void {
  marksOf(parts, repository.config.storeId).write(logMark(repository.log));
}

/** Worker threads of a run. */
export function threadsOf(parts: EngineParts): number {
  return Math.max(1, Math.min(parts.concurrency ?? Number.POSITIVE_INFINITY, availableParallelism()));
}

/** The bundle of keys that the run's secret opens, and the slot that it opened. A store without secrets needs none, and says so. */
export async function unlock(
  { secretSources, signal, reporter }: EngineParts,
  store: Store,
  read: ReadConfig,
): Promise<{ bundle: Bundle; slot: KeySlot | undefined }> {
  const { config, configSha256 } = read;
  if (config.secrecy === "public") {
    if (await lookAtUnused(secretSources, signal)) {
      const message = "The key is not used: this store is not encrypted, and whoever can read it can read everything";
      reporter.notice({ level: "warning", message });
    }
    return { bundle: { role: "owner", masterSecret: publicSecret(config.storeId) }, slot: undefined };
  }
  const place = { store, storeId: config.storeId, configSha256 };
  const opened = await withSecret(secretSources, signal, (secret) => openKeySlot(place, slotSecret(secret)));
  for (const { message } of opened.unread)
    reporter.notice({ level: "warning", message: `A key slot is passed over: ${message}` });
  const { hpke } = await bundleKeys(opened.bundle);
  if (hpke !== undefined && !equalBytes(hpke.publicKey, config.publicKey)) {
    throw new HoldfastError("corrupt", "Cannot open the store: its config names another public key than its keys give");
  }
  return opened;
}

/** A key file holds a recovery key or what `key add --out` wrote; any other content is a passphrase, without its line end. */
export function slotSecret(secret: Secret): SlotSecret {
  if (secret.form === "passphrase") {
    const random = recoverySecret(secret.passphrase);
    return random === undefined
      ? { kind: "passphrase", passphrase: secret.passphrase }
      : { kind: "random", secret: random };
  }
  const text = new TextDecoder().decode(secret.content).replace(/\r?\n$/, "");
  const random = recoverySecret(text);
  return random === undefined ? { kind: "passphrase", passphrase: text } : { kind: "random", secret: random };
}

function recoverySecret(text: string): Uint8Array | undefined {
  try {
    return decodeRecoveryKey(text);
  } catch (error) {
    if (isHoldfastError(error, "invalid", "incompatible")) return undefined;
    throw error;
  }
}

/**
 * Keeps states of a store that is not a directory of this machine in the agent's cache: they are named by what is in them. Log entries are not, and
 * a cached one would hide that the log went another way.
 */
async function cached(parts: EngineParts, store: Store, storeId: string): Promise<Store> {
  if (!parts.useCache || parts.storeDirectory !== undefined) return store;
  const { failed } = spareCache(parts.reporter);
  const directory = await privateDirectory(join(parts.directories.cache, "objects", storeId)).catch(failed);
  if (directory === undefined) return store;
  return cachingStore(store, {
    cache: directoryStore(directory, { durability: "unsynced" }),
    storeId,
    prefixes: [statesPrefix],
    limitBytes: cacheBytes,
    onCacheFailure: failed,
  });
}
