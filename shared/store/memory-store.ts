import { createHash } from "node:crypto";
import type { Clock } from "#shared/clock.ts";
import { requireByteRange } from "./byte-range.ts";
import { joinedBytes } from "./joined-bytes.ts";
import { alreadyThere, bodyDiffersFromSha256, noSuchObject, outsideObject } from "./object-error.ts";
import { requireKeyPrefix, requireObjectKey } from "./object-key.ts";
import type { Store } from "./store.ts";

type MemoryObject = {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly sha256: Uint8Array | undefined;
  readonly modifiedMs: number | undefined;
};

/**
 * A store that lives in this process: for tests, simulations and `memory:` locations.
 *
 * It holds whatever is put into it and sets no limit. `head` tells the SHA-256 of objects that were put with one.
 *
 * @param options.clock - by which listings tell when objects came; without one they do not tell
 */
export function memoryStore(options: { readonly clock?: Clock } = {}): Store {
  const { clock } = options;
  const objects = new Map<string, MemoryObject>();

  const existing = (key: string): MemoryObject => {
    requireObjectKey(key);
    const object = objects.get(key);
    if (object === undefined) throw noSuchObject(key);
    return object;
  };

  return {
    description: "memory:",

    async put(key, body, putOptions) {
      requireObjectKey(key);
      if (objects.has(key)) throw alreadyThere(key);
      const bytes = joinedBytes(body);
      const sha256 = putOptions?.sha256?.slice();
      if (sha256 !== undefined && !createHash("sha256").update(bytes).digest().equals(sha256)) {
        throw bodyDiffersFromSha256(key);
      }
      objects.set(key, { bytes, sha256, modifiedMs: clock?.nowMs() });
    },

    async get(key, range) {
      const { bytes } = existing(key);
      if (range === undefined) return bytes.slice();
      requireByteRange(range);
      const end = range.offsetBytes + range.lengthBytes;
      if (end > bytes.byteLength) throw outsideObject(key, range, bytes.byteLength);
      return bytes.slice(range.offsetBytes, end);
    },

    async head(key) {
      const { bytes, sha256 } = existing(key);
      return sha256 === undefined
        ? { sizeBytes: bytes.byteLength }
        : { sizeBytes: bytes.byteLength, sha256: sha256.slice() };
    },

    async *list(prefix, listOptions) {
      requireKeyPrefix(prefix);
      const after = listOptions?.after ?? "";
      const keys: string[] = [];
      for (const key of objects.keys()) if (key > after && key.startsWith(prefix)) keys.push(key);
      keys.sort(); // keys are ASCII: the order of UTF-16 units is the order of bytes
      for (const key of keys) {
        const object = objects.get(key);
        if (object === undefined) continue;
        const { bytes, modifiedMs } = object;
        yield { key, sizeBytes: bytes.byteLength, ...(modifiedMs === undefined ? {} : { modifiedMs }) };
      }
    },

    async delete(key) {
      requireObjectKey(key);
      objects.delete(key);
    },

    ...(clock === undefined ? {} : { clockMs: async () => clock.nowMs() }),

    async close() {},
  };
}
