import { createHash } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { HoldfastError } from "#shared/errors.ts";
import type { CachingStore } from "./caching-store.ts";
import { cachingStore } from "./caching-store.ts";
import { directoryStore } from "./directory-store.ts";
import { faultyStore } from "./faulty-store.ts";
import { memoryStore } from "./memory-store.ts";
import { meteredStore } from "./metered-store.ts";
import { logKey, packKey } from "./object-key.ts";
import { storeConformance } from "./store.conformance.ts";
import type { Store } from "./store.ts";

storeConformance("cachingStore over a directory", async () => {
  const root = await mkdtemp(join(tmpdir(), "holdfast-cache-"));
  const store = cachingStore(memoryStore(), {
    cache: directoryStore(root, { durability: "unsynced" }),
    storeId: "store-1",
    prefixes: ["log/", "whole", "packs/", "shared"],
    limitBytes: 8 << 20,
    onCacheFailure: (error) => {
      throw error;
    },
  });
  const dispose = async (): Promise<void> => {
    await store.close();
    await rm(root, { recursive: true });
  };
  return { store, dispose };
});

function packOf(content: string): { key: string; body: Uint8Array[] } {
  const body = Buffer.from(content);
  return { key: packKey(createHash("sha256").update(body).digest("hex")), body: [body] };
}

function trial(options: { cache?: Store; limitBytes?: number } = {}) {
  const inner = memoryStore();
  const cache = options.cache ?? memoryStore();
  const { store: metered, meter } = meteredStore(inner);
  const failures: HoldfastError[] = [];
  const open = (): CachingStore =>
    cachingStore(metered, {
      cache,
      storeId: "id",
      prefixes: ["packs/", "states/", "log/"],
      limitBytes: options.limitBytes ?? 10_000,
      onCacheFailure: (error) => failures.push(error),
    });
  return { inner, cache, meter, failures, open };
}

const textOf = async (store: Store, key: string): Promise<string> => Buffer.from(await store.get(key)).toString();

describe("cachingStore", () => {
  it("asks the store once for an object, also across openings, and never for what it has put itself", async () => {
    const { inner, meter, open } = trial();
    const state = packOf("content");
    await inner.put(state.key, state.body);
    const store = open();
    expect(await textOf(store, state.key)).toBe("content");
    expect(await textOf(store, state.key)).toBe("content");
    await store.put(logKey(1), [Buffer.from("entry")]);
    expect(await textOf(open(), logKey(1))).toBe("entry");
    expect(await textOf(open(), state.key)).toBe("content");
    expect(meter.gets).toBe(1);
  });

  it("gives each reader a buffer of its own", async () => {
    const { open } = trial();
    const store = open();
    await store.put(logKey(1), [Buffer.from("entry")]);
    (await store.get(logKey(1))).fill(0);
    expect(await textOf(store, logKey(1))).toBe("entry");
  });

  it("drops and fetches anew a copy with any byte changed, or cut anywhere", async () => {
    const { inner, cache, open } = trial();
    await inner.put(logKey(1), [Buffer.from("entry")]);
    const store = open();
    await store.get(logKey(1));
    const copyKey = `id/${logKey(1)}`;
    const copy = await cache.get(copyKey);
    for (let index = 0; index < copy.byteLength; index++) {
      const flipped = copy.slice();
      flipped[index] = (flipped[index] ?? 0) ^ 1;
      for (const damaged of [flipped, copy.slice(0, index)]) {
        await cache.delete(copyKey);
        await cache.put(copyKey, [damaged]);
        expect(await textOf(store, logKey(1))).toBe("entry");
        expect(Buffer.compare(await cache.get(copyKey), copy)).toBe(0);
      }
    }
  });

  it("does not believe a copy that is whole but not what its name promises, nor keep such an object", async () => {
    const { inner, cache, open, meter } = trial();
    const [right, wrong] = [packOf("right"), packOf("wrong")];
    await inner.put(right.key, right.body);
    const store = open();
    await store.get(right.key);
    await inner.put(wrong.key, right.body); // a damaged store: the caller gets it as it is, and must notice
    expect(await textOf(store, wrong.key)).toBe("right");
    await expect(cache.head(`id/${wrong.key}`)).rejects.toMatchObject({ kind: "absent" });
    const copy = await cache.get(`id/${right.key}`);
    await cache.put(`id/${wrong.key}`, [copy]);
    const before = meter.gets;
    await open().get(wrong.key);
    expect(meter.gets).toBe(before + 1);
  });

  it("keeps to its limit, and drops what was not used for longest", async () => {
    const { cache, open, meter } = trial({ limitBytes: 3 * (100 + 32) });
    const store = open();
    for (const seq of [1, 2, 3]) await store.put(logKey(seq), [new Uint8Array(100)]);
    await store.get(logKey(1));
    await store.put(logKey(4), [new Uint8Array(100)]);
    await store.put(logKey(5), [new Uint8Array(1000)]); // larger than the whole cache
    const kept: string[] = [];
    for await (const { key } of cache.list("")) kept.push(key);
    expect(kept).toEqual([1, 3, 4].map((seq) => `id/${logKey(seq)}`));
    expect(meter.gets).toBe(0);
  });

  it("forgets on demand", async () => {
    const { open, meter } = trial();
    const store = open();
    await store.put(logKey(1), [Buffer.from("entry")]);
    await store.forget(logKey(1));
    await store.get(logKey(1));
    expect(meter.gets).toBe(1);
  });

  it("works without its cache when that fails, and says so", async () => {
    const broken = faultyStore(memoryStore(), {
      fault: () => ({ when: "before", error: new HoldfastError("denied", "read-only") }),
    });
    const { open, failures, inner } = trial({ cache: broken });
    await inner.put(logKey(1), [Buffer.from("entry")]);
    const store = open();
    expect(await textOf(store, logKey(1))).toBe("entry");
    await store.put(logKey(2), []);
    await store.delete(logKey(2));
    expect(failures.length).toBeGreaterThan(0);
  });

  it("takes what a cache lets through of the file system as a failure of the cache, too", async () => {
    const raw = (): never => {
      throw Object.assign(new Error("EIO: i/o error, lstat"), { code: "EIO" });
    };
    const broken: Store = { ...memoryStore(), put: raw, get: raw, head: raw, list: raw, delete: raw };
    const { open, failures, inner } = trial({ cache: broken });
    await inner.put(logKey(1), [Buffer.from("entry")]);
    const store = open();
    expect(await textOf(store, logKey(1))).toBe("entry");
    await store.put(logKey(2), []);
    expect(failures[0]).toMatchObject({ kind: "unavailable" });
  });

  it("passes the store's own errors on", async () => {
    const { open } = trial();
    await expect(open().get(logKey(9))).rejects.toMatchObject({ kind: "absent" });
  });
});
