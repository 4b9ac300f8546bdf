import { clockOf } from "./clock-of.ts";
import { sizeOfParts } from "./joined-bytes.ts";
import type { Store } from "./store.ts";

/** What went through a metered store so far. Failed calls count as calls, and in `failures`. */
export type StoreMeter = {
  puts: number;
  gets: number;
  heads: number;
  lists: number;
  deletes: number;
  failures: number;
  /** Keys that listings gave. */
  listedKeys: number;
  /** Bytes of bodies that were put. */
  upBytes: number;
  /** Bytes that gets returned. */
  downBytes: number;
};

/** A store and the meter that counts what goes through it. */
export type MeteredStore = { readonly store: Store; readonly meter: Readonly<StoreMeter> };

/** Counts calls per verb, failures, and bytes up and down. Bytes of failed calls are not counted. */
export function meteredStore(inner: Store): MeteredStore {
  const meter: StoreMeter = {
    puts: 0,
    gets: 0,
    heads: 0,
    lists: 0,
    deletes: 0,
    failures: 0,
    listedKeys: 0,
    upBytes: 0,
    downBytes: 0,
  };
  const failed = (error: unknown): never => {
    meter.failures++;
    throw error;
  };
  const store: Store = {
    description: inner.description,

    async put(key, body, options) {
      meter.puts++;
      await inner.put(key, body, options).catch(failed);
      meter.upBytes += sizeOfParts(body);
    },

    async get(key, range) {
      meter.gets++;
      const bytes = await inner.get(key, range).catch(failed);
      meter.downBytes += bytes.byteLength;
      return bytes;
    },

    async head(key) {
      meter.heads++;
      return inner.head(key).catch(failed);
    },

    async *list(prefix, options) {
      meter.lists++;
      try {
        for await (const object of inner.list(prefix, options)) {
          meter.listedKeys++;
          yield object;
        }
      } catch (error) {
        failed(error);
      }
    },

    async delete(key) {
      meter.deletes++;
      await inner.delete(key).catch(failed);
    },

    ...clockOf(inner),
    close: () => inner.close(),
  };
  return { store, meter };
}
