import type { Clock } from "#shared/clock.ts";
import { HoldfastError } from "#shared/errors.ts";
import { seededNumbers } from "#shared/seeded-numbers.ts";
import { clockOf } from "./clock-of.ts";
import type { Store } from "./store.ts";

/** A call that a faulty store is about to make. `number` counts all calls, from 1; each listing is one. */
export type StoreCall = {
  readonly number: number;
  readonly verb: "put" | "get" | "head" | "list" | "delete";
  readonly key: string;
};

/** What goes wrong with a call. */
export type StoreFault = {
  /**
   * - `before`: it fails and has no effect.
   * - `after`: it takes effect and then fails, as when the reply is lost. A listing gives half of its objects before it fails.
   * - `torn`: it breaks the contract. A put creates half of the body and fails; a get returns half of the bytes, and says nothing.
   */
  readonly when: "before" | "after" | "torn";
  /** Default: `unavailable`. */
  readonly error?: HoldfastError;
};

/** Options of `faultyStore`. */
export type FaultyStoreOptions = {
  /** Decides about each call; undefined lets it be. */
  readonly fault: (call: StoreCall) => StoreFault | undefined;
  /** Waits that long before each call, by `clock`. */
  readonly latencyMs?: number;
  readonly clock?: Clock;
};

/** A store that fails as told: for tests. */
export function faultyStore(inner: Store, options: FaultyStoreOptions): Store {
  const { fault, latencyMs, clock } = options;
  let calls = 0;

  const begin = async (verb: StoreCall["verb"], key: string): Promise<Required<StoreFault> | undefined> => {
    const call: StoreCall = { number: ++calls, verb, key };
    const found = fault(call);
    if (latencyMs !== undefined) await clock?.sleep(latencyMs);
    if (found === undefined) return undefined;
    const error = found.error ?? askedFor(call);
    if (found.when === "before") throw error;
    return { when: found.when, error };
  };
  return {
    description: inner.description,

    async put(key, body, putOptions) {
      const found = await begin("put", key);
      if (found?.when === "torn") await inner.put(key, firstHalf(body));
      else await inner.put(key, body, putOptions);
      if (found !== undefined) throw found.error;
    },

    async get(key, range) {
      const found = await begin("get", key);
      const bytes = await inner.get(key, range);
      if (found?.when === "torn") return bytes.slice(0, bytes.byteLength >> 1);
      if (found !== undefined) throw found.error;
      return bytes;
    },

    async head(key) {
      const found = await begin("head", key);
      const stat = await inner.head(key);
      if (found !== undefined) throw found.error;
      return stat;
    },

    async *list(prefix, listOptions) {
      const found = await begin("list", prefix);
      if (found === undefined) {
        yield* inner.list(prefix, listOptions);
        return;
      }
      const objects = [];
      for await (const object of inner.list(prefix, listOptions)) objects.push(object);
      yield* objects.slice(0, objects.length >> 1);
      if (found.when === "after") throw found.error;
    },

    async delete(key) {
      const found = await begin("delete", key);
      await inner.delete(key);
      if (found !== undefined) throw found.error;
    },

    ...clockOf(inner),
    close: () => inner.close(),
  };
}

/** Lets only the call with that number fail. */
export function failAtCall(number: number, fault: StoreFault): FaultyStoreOptions["fault"] {
  return (call) => (call.number === number ? fault : undefined);
}

/** The ways in which the world may end at a call: it fails before or after its effect, or takes effect and nothing after it does. */
export const worldEndings: Readonly<
  Record<string, (isAt: (call: StoreCall) => boolean) => FaultyStoreOptions["fault"]>
> = {
  "fails before its effect": (isAt) => (call) => (isAt(call) ? { when: "before" } : undefined),
  "fails after its effect": (isAt) => (call) => (isAt(call) ? { when: "after" } : undefined),
  "is the last to take effect": (isAt) => {
    let isOver = false;
    return (call) => {
      if (isOver) return { when: "before" };
      isOver = isAt(call);
      return isOver ? { when: "after" } : undefined;
    };
  },
};

/**
 * Lets calls fail at random: `rate` of them, half before and half after their effect. The same seed gives the same faults.
 *
 * @param options.rate - from 0 to 1
 */
export function failAtRandom(options: { readonly seed: number; readonly rate: number }): FaultyStoreOptions["fault"] {
  const next = seededNumbers(options.seed);
  return () => {
    const draw = next();
    const side = next();
    return draw < options.rate ? { when: side < 0.5 ? "before" : "after" } : undefined;
  };
}

function askedFor({ verb, key, number }: StoreCall): HoldfastError {
  return new HoldfastError("unavailable", `Cannot ${verb} ${key}: a fault was asked for at call ${number}`, {
    detail: { call: number },
  });
}

function firstHalf(body: readonly Uint8Array[]): Uint8Array[] {
  const whole = Buffer.concat(body);
  return [whole.subarray(0, whole.byteLength >> 1)];
}
