import { createHash } from "node:crypto";
import type { Clock } from "#shared/clock.ts";
import { HoldfastError, isHoldfastError } from "#shared/errors.ts";
import type { Random } from "#shared/random.ts";
import { clockOf } from "./clock-of.ts";
import { sizeOfParts } from "./joined-bytes.ts";
import { alreadyThere } from "./object-error.ts";
import type { PutOptions, Store } from "./store.ts";

/** Options of `retryingStore`. */
export type RetryingStoreOptions = {
  readonly clock: Clock;
  readonly random: Random;
  /** How often a call is tried in all. Default 8. */
  readonly attempts?: number;
  /** The longest wait before the first retry; it doubles with each further one. Default 200 ms. */
  readonly baseDelayMs?: number;
  /** The longest wait of our own choosing. Default 20 s. */
  readonly maxDelayMs?: number;
  /** The longest wait that a server may ask for; longer ones end the call at once. Default 5 min. */
  readonly maxRetryAfterMs?: number;
  /** Ends waits, and starts no further attempt, once it is aborted. */
  readonly signal?: AbortSignal;
  /** Is told of each retry before its wait. */
  readonly onRetry?: (retry: {
    readonly action: string;
    readonly attempt: number;
    readonly delayMs: number;
    readonly error: HoldfastError;
  }) => void;
};

/**
 * Tries again what ended `unavailable`, and nothing else, with exponential backoff and full jitter. What is told to last
 * (`detail.lasting`), such as a full disk, is not tried again.
 *
 * A server's wish to wait (`detail.retryAfterMs`) is honoured. A put that ended `unavailable` may have taken effect: before it is
 * sent again the object is looked at, and if it is there with our bytes, the put has succeeded; with other bytes it is a conflict.
 * A listing goes on behind the last key that it gave.
 */
export function retryingStore(inner: Store, options: RetryingStoreOptions): Store {
  const { clock, random, signal, onRetry } = options;
  const { attempts = 8, baseDelayMs = 200, maxDelayMs = 20_000, maxRetryAfterMs = 300_000 } = options;

  const refuseIfAborted = (): void => {
    if (signal?.aborted === true) throw interruption(signal);
  };

  /** Waits before attempt `attempt + 1`, or throws `error` if there is to be none. */
  const pause = async (action: string, attempt: number, error: unknown): Promise<void> => {
    if (!isHoldfastError(error, "unavailable") || error.detail["lasting"] === true) throw error;
    const asked = error.detail["retryAfterMs"];
    const retryAfterMs = typeof asked === "number" ? asked : 0;
    if (attempt >= attempts || retryAfterMs > maxRetryAfterMs) throw givenUp(error, attempt);
    const ceilingMs = Math.min(maxDelayMs, baseDelayMs * 2 ** (attempt - 1));
    const delayMs = Math.round(retryAfterMs + fraction(random) * ceilingMs);
    onRetry?.({ action, attempt, delayMs, error });
    refuseIfAborted();
    try {
      await clock.sleep(delayMs, signal);
    } finally {
      refuseIfAborted();
    }
  };

  const retried = async <T>(action: string, call: () => Promise<T>): Promise<T> => {
    for (let attempt = 1; ; attempt++) {
      refuseIfAborted();
      try {
        return await call();
      } catch (error) {
        await pause(action, attempt, error);
      }
    }
  };

  return {
    description: inner.description,

    async put(key, body, putOptions) {
      let unclear = false;
      await retried(`put ${key}`, async () => {
        if (unclear) {
          const found = await lookFor(inner, key, body, putOptions);
          if (found === "ours") return;
          if (found === "another") throw alreadyThere(key);
        }
        try {
          await inner.put(key, body, putOptions);
        } catch (error) {
          if (isHoldfastError(error, "unavailable")) unclear = true;
          // The attempt before may have arrived after we looked.
          if (!unclear || !isHoldfastError(error, "conflict")) throw error;
          if ((await lookFor(inner, key, body, putOptions)) !== "ours") throw error;
        }
      });
    },

    get: (key, range) => retried(`get ${key}`, () => inner.get(key, range)),
    head: (key) => retried(`head ${key}`, () => inner.head(key)),
    delete: (key) => retried(`delete ${key}`, () => inner.delete(key)),

    async *list(prefix, listOptions) {
      let after = listOptions?.after;
      for (let attempt = 1; ; attempt++) {
        refuseIfAborted();
        try {
          for await (const object of inner.list(prefix, after === undefined ? {} : { after })) {
            yield object;
            after = object.key;
            attempt = 0; // it moves: the next failure is a first one
          }
          return;
        } catch (error) {
          attempt = Math.max(1, attempt);
          await pause(`list ${prefix}`, attempt, error);
        }
      }
    },

    ...clockOf(inner, (call) => retried("tell the time", call)),
    close: () => inner.close(),
  };
}

/** What lies at `key` after a put of unknown outcome: the body that we sent, another one, or nothing. */
async function lookFor(
  store: Store,
  key: string,
  body: readonly Uint8Array[],
  options: PutOptions | undefined,
): Promise<"ours" | "another" | "nothing"> {
  try {
    const there = await store.head(key);
    if (there.sizeBytes !== sizeOfParts(body)) return "another";
    const sha256 = there.sha256 ?? hashOf([await store.get(key)]);
    return Buffer.compare(sha256, options?.sha256 ?? hashOf(body)) === 0 ? "ours" : "another";
  } catch (error) {
    if (isHoldfastError(error, "absent")) return "nothing";
    throw error;
  }
}

function hashOf(parts: readonly Uint8Array[]): Uint8Array {
  const hash = createHash("sha256");
  for (const part of parts) hash.update(part);
  return hash.digest();
}

function givenUp(error: HoldfastError, attempts: number): HoldfastError {
  return new HoldfastError("unavailable", `${error.message} (tried ${attempts} times)`, {
    detail: { ...error.detail, attempts },
    cause: error,
    ...(error.hint === undefined ? {} : { hint: error.hint }),
  });
}

function interruption(signal: AbortSignal): HoldfastError {
  const reason: unknown = signal.reason;
  return isHoldfastError(reason)
    ? reason
    : new HoldfastError("interrupted", "Stopped while waiting to try again", { cause: reason });
}

/** A number from 0 to just below 1. */
function fraction(random: Random): number {
  const [a = 0, b = 0, c = 0, d = 0] = random(4);
  return (a * 2 ** 24 + b * 2 ** 16 + c * 2 ** 8 + d) / 2 ** 32;
}
