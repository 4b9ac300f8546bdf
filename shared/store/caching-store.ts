import { createHash } from "node:crypto";
import { HoldfastError, isHoldfastError } from "#shared/errors.ts";
import { clockOf } from "./clock-of.ts";
import { fileSystemCode, fileSystemError } from "./file-system-error.ts";
import { sizeOfParts } from "./joined-bytes.ts";
import { requireObjectKey, sha256HexOfKey } from "./object-key.ts";
import type { Store } from "./store.ts";

/** Options of `cachingStore`. */
export type CachingStoreOptions = {
  /** Where copies are kept: usually an unsynced directory store. The wrapper closes it with itself. */
  readonly cache: Store;
  /** Tells stores apart within one cache: a legal part of a key. */
  readonly storeId: string;
  /** Objects whose keys start so are kept; only such as are read whole gain from it. */
  readonly prefixes: readonly string[];
  /** The most bytes kept for this store; what was not used for longest goes first. */
  readonly limitBytes: number;
  /** Is told when the cache itself fails. That costs time and nothing else, so it is no error of the call. */
  readonly onCacheFailure: (error: HoldfastError) => void;
};

/** A store with a cache, and a way to distrust a cached copy. */
export type CachingStore = Store & {
  /** Drops the cached copy of an object, so that the next `get` asks the store: for callers who find its content wrong. */
  forget(key: string): Promise<void>;
};

const sha256Bytes = 32;

/**
 * Keeps copies of whole immutable objects in another store.
 *
 * A copy is the object's bytes and their SHA-256, so that a copy that was damaged or cut is noticed, dropped and fetched anew.
 * Objects that are named by their hash are compared with their name as well. Ranges, heads and listings always ask the store.
 * Another client's delete is not noticed: a get may still return what was there, which for immutable objects is harmless.
 */
export function cachingStore(inner: Store, options: CachingStoreOptions): CachingStore {
  const { cache, storeId, prefixes, limitBytes, onCacheFailure } = options;
  requireObjectKey(storeId);
  if (storeId.includes("/")) throw new HoldfastError("invalid", `Cannot name a cache "${storeId}": it contains "/"`);
  /** Sizes of the copies by key, least recently used first. Loaded at the first need. */
  const sizes = new Map<string, number>();
  let keptBytes = 0;
  let loading: Promise<void> | undefined;

  const isCached = (key: string): boolean => prefixes.some((prefix) => key.startsWith(prefix));
  const copyKey = (key: string): string => `${storeId}/${key}`;

  const attempt = async <T>(action: () => Promise<T>): Promise<T | undefined> => {
    try {
      return await action();
    } catch (error) {
      if (!isHoldfastError(error) && fileSystemCode(error) === undefined) throw error;
      const failure = fileSystemError(error, `use the cache ${cache.description}`);
      if (failure.kind !== "absent" && failure.kind !== "conflict") onCacheFailure(failure);
      return undefined;
    }
  };

  const load = (): Promise<void> => {
    loading ??= (async () => {
      const found: { key: string; sizeBytes: number; modifiedMs: number }[] = [];
      await attempt(async () => {
        for await (const { key, sizeBytes, modifiedMs = 0 } of cache.list(`${storeId}/`)) {
          found.push({ key: key.slice(storeId.length + 1), sizeBytes, modifiedMs });
        }
      });
      found.sort((left, right) => left.modifiedMs - right.modifiedMs);
      for (const { key, sizeBytes } of found) count(key, sizeBytes);
    })();
    return loading;
  };

  const count = (key: string, sizeBytes: number): void => {
    keptBytes += sizeBytes - (sizes.get(key) ?? 0);
    sizes.delete(key);
    sizes.set(key, sizeBytes);
  };

  const drop = async (key: string): Promise<void> => {
    keptBytes -= sizes.get(key) ?? 0;
    sizes.delete(key);
    await attempt(() => cache.delete(copyKey(key)));
  };

  const keep = async (key: string, body: readonly Uint8Array[]): Promise<void> => {
    const sizeBytes = sizeOfParts(body) + sha256Bytes;
    if (sizeBytes > limitBytes || copyKey(key).length > 512) return;
    await load();
    if (sizes.has(key)) return;
    count(key, sizeBytes);
    for (const oldest of sizes.keys()) {
      if (keptBytes <= limitBytes) break;
      if (oldest !== key) await drop(oldest);
    }
    const hash = createHash("sha256");
    for (const part of body) hash.update(part);
    const sha256 = hash.digest();
    if ((sha256HexOfKey(key) ?? sha256.toString("hex")) !== sha256.toString("hex")) return drop(key);
    const outcome = await attempt(async () => {
      await cache.put(copyKey(key), [...body, sha256]);
      return "kept";
    });
    // A conflict means that another process keeps it already, and then it counts; after a failure nothing is there.
    if (outcome === undefined && (await attempt(() => cache.head(copyKey(key)))) === undefined) await drop(key);
  };

  const cachedCopy = async (key: string): Promise<Uint8Array<ArrayBuffer> | undefined> => {
    await load();
    const copy = await attempt(() => cache.get(copyKey(key)));
    if (copy === undefined) return undefined;
    const bytes = copy.slice(0, Math.max(0, copy.byteLength - sha256Bytes));
    const sha256 = createHash("sha256").update(bytes).digest();
    const isWhole = sha256.equals(copy.subarray(bytes.byteLength));
    if (!isWhole || (sha256HexOfKey(key) ?? sha256.toString("hex")) !== sha256.toString("hex")) {
      await drop(key);
      return undefined;
    }
    count(key, copy.byteLength);
    return bytes;
  };

  return {
    description: inner.description,

    async put(key, body, putOptions) {
      await inner.put(key, body, putOptions);
      if (isCached(key)) await keep(key, body);
    },

    async get(key, range) {
      if (range !== undefined || !isCached(key)) return inner.get(key, range);
      requireObjectKey(key);
      const copy = await cachedCopy(key);
      if (copy !== undefined) return copy;
      const bytes = await inner.get(key);
      await keep(key, [bytes]);
      return bytes;
    },

    head: (key) => inner.head(key),
    list: (prefix, listOptions) => inner.list(prefix, listOptions),

    async delete(key) {
      await inner.delete(key);
      if (isCached(key)) await drop(key);
    },

    async forget(key) {
      requireObjectKey(key);
      await load();
      await drop(key);
    },

    ...clockOf(inner),

    async close() {
      await inner.close();
      await cache.close();
    },
  };
}
