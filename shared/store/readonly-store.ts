import { HoldfastError } from "#shared/errors.ts";
import { clockOf } from "./clock-of.ts";
import type { Store } from "./store.ts";

/** A store that can be read and not be changed: put and delete are `denied`. */
export function readonlyStore(inner: Store): Store {
  return {
    description: inner.description,
    put: async (key) => refuse("create", key, inner),
    get: (key, range) => inner.get(key, range),
    head: (key) => inner.head(key),
    list: (prefix, options) => inner.list(prefix, options),
    delete: async (key) => refuse("delete", key, inner),
    ...clockOf(inner),
    close: () => inner.close(),
  };
}

function refuse(verb: string, key: string, inner: Store): never {
  throw new HoldfastError(
    "denied",
    `Cannot ${verb} ${key} in ${inner.description}: the store was opened for reading only`,
    {
      detail: { key },
    },
  );
}
