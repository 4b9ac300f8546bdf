import { clockOf } from "#shared/store/clock-of.ts";
import type { StoreCall } from "#shared/store/faulty-store.ts";
import type { Store } from "#shared/store/store.ts";

/** A store before each of whose calls something else happens first. Calls are numbered from 1; each listing is one. */
export function interposedStore(inner: Store, before: (call: StoreCall) => Promise<void>): Store {
  let calls = 0;
  const begin = (verb: StoreCall["verb"], key: string): Promise<void> => before({ number: ++calls, verb, key });
  return {
    description: inner.description,
    async put(key, body, options) {
      await begin("put", key);
      await inner.put(key, body, options);
    },
    async get(key, range) {
      await begin("get", key);
      return inner.get(key, range);
    },
    async head(key) {
      await begin("head", key);
      return inner.head(key);
    },
    async *list(prefix, after) {
      await begin("list", prefix);
      yield* inner.list(prefix, after);
    },
    async delete(key) {
      await begin("delete", key);
      await inner.delete(key);
    },
    ...clockOf(inner),
    close: () => inner.close(),
  };
}
