import { createHash } from "node:crypto";
import type { Clock } from "#shared/clock.ts";
import { HoldfastError, isHoldfastError } from "#shared/errors.ts";
import type { Random } from "#shared/random.ts";
import { clockOf } from "./clock-of.ts";
import { unlessAborted } from "#shared/unless-aborted.ts";
import { sizeOfParts } from "./joined-bytes.ts";
import { alreadyThere } from "./object-error.ts";
import type { PutOptions, Store } from "./store.ts";

/** How long calls are tried again where nothing else is said: an outage of a server or a router is mostly over by then. */
export const defaultRetryForMs = 15 * 60_000;

/** Options of `retryingStore`. */
export type RetryingStoreOptions = {
  readonly clock: Clock;
  readonly random: Random;
  /** How long a call is tried again, by the time that its first failure is ago; asked at each failure. Default 15 min. */
  readonly retryForMs?: () => number;
  /** How often a call is tried in all. Default: no limit but time. */
  readonly attempts?: number;
  /** The longest wait before the first retry; it doubles with each further one. The shortest is half of it. Default 200 ms. */
  readonly baseDelayMs?: number;
  /** The longest wait of our own choosing. Default 20 s. */
  readonly maxDelayMs?: number;
  /** Ends waits, and starts no further attempt, once it is aborted. Calls that change nothing end with it. */
  readonly signal?: AbortSignal;
  /** Is told once of an outage: when a call has failed three times in a row, or for five seconds. */
  readonly onOutage?: (outage: { readonly action: string; readonly error: HoldfastError }) => void;
  /** Is told when the first call after such an outage succeeds. */
  readonly onRecovery?: (outage: { readonly lastedMs: number }) => void;
};

/** How often what is told to be brief (`detail.brief`) is tried in all: some 20 seconds. */
const briefAttempts = 8;
/** Failures of one call in a row, or the time since it was called or failed first, from which on it is an outage and no hiccup. */
const outageAfter = { failures: 3, ms: 5000 };

/**
 * Tries again what ended `unavailable`, and nothing else, with exponential backoff, until `retryForMs` have passed. Waits are random between half of
 * their bound and all of it: never none, so that the time that is tried is sure. What is told to last (`detail.lasting`), such as a full disk, is not
 * tried again; what is told to be brief (`detail.brief`), such as one file that the disk cannot read, only a few times.
 *
 * All calls share one outage: it begins with a failure and ends with the next success of any call. Calls that begin late in it do not
 * start their time anew.
 *
 * A server's wish to wait (`detail.retryAfterMs`) is honoured. A put that ended `unavailable` may have taken effect: before it is
 * sent again the object is looked at, and if it is there with our bytes, the put has succeeded; with other bytes it is a conflict.
 * A listing goes on behind the last key that it gave.
 */
export function retryingStore(inner: Store, options: RetryingStoreOptions): Store {
  const { clock, random, signal, onOutage, onRecovery } = options;
  const { retryForMs = () => defaultRetryForMs, attempts, baseDelayMs = 200, maxDelayMs = 20_000 } = options;
  let outage: { readonly beganMs: number; isTold: boolean } | undefined;

  const refuseIfAborted = (): void => {
    if (signal?.aborted === true) throw interruption(signal);
  };

  const orInterrupted = <T>(work: Promise<T>): Promise<T> =>
    signal === undefined
      ? work
      : unlessAborted(work, signal).catch((error: unknown) => {
          throw error === signal.reason && signal.aborted ? interruption(signal) : error;
        });

  const succeeded = (): void => {
    if (outage?.isTold === true) onRecovery?.({ lastedMs: clock.nowMs() - outage.beganMs });
    outage = undefined;
  };

  /** Notes that a call failed with `error`, and waits before it is tried again; throws `error` if it is not to be. */
  const pause = async (failing: FailingCall, error: unknown): Promise<void> => {
    if (!isHoldfastError(error, "unavailable") || error.detail["lasting"] === true) throw error;
    const nowMs = clock.nowMs();
    failing.failures++;
    failing.beganMs ??= nowMs;
    if (error.detail["brief"] === true) failing.briefFailures++;
    outage ??= { beganMs: nowMs, isTold: false };
    const asked = error.detail["retryAfterMs"];
    const retryAfterMs = typeof asked === "number" ? asked : 0;
    const leftMs = Math.min(failing.beganMs, outage.beganMs) + retryForMs() - nowMs;
    const isLast = failing.failures >= (attempts ?? Number.POSITIVE_INFINITY) || failing.briefFailures >= briefAttempts;
    if (isLast || leftMs <= 0 || retryAfterMs > leftMs) throw givenUp(error, failing, nowMs);
    const isHiccup =
      failing.failures < outageAfter.failures && nowMs - (failing.calledMs ?? failing.beganMs) < outageAfter.ms;
    if (!isHiccup && !failing.isTold) {
      failing.isTold = true;
      if (!outage.isTold) onOutage?.({ action: failing.action, error });
      outage.isTold = true;
    }
    const boundMs = Math.min(maxDelayMs, baseDelayMs * 2 ** (failing.failures - 1));
    const chosenMs = Math.round(retryAfterMs + (boundMs * (1 + fraction(random))) / 2);
    refuseIfAborted();
    try {
      await clock.sleep(Math.min(chosenMs, leftMs), signal);
    } finally {
      refuseIfAborted();
    }
  };

  const retried = async <T>(failing: FailingCall, call: () => Promise<T>): Promise<T> => {
    for (;;) {
      refuseIfAborted();
      try {
        const result = await call();
        succeeded();
        return result;
      } catch (error) {
        if (isAnswer(error)) succeeded();
        await pause(failing, error);
      }
    }
  };

  return {
    description: inner.description,

    async put(key, body, putOptions) {
      let unclear = false;
      await retried(called(`put ${key}`), async () => {
        if (unclear) {
          const found = await orInterrupted(lookFor(inner, key, body, putOptions));
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

    get: (key, range) => retried(called(`get ${key}`, clock), () => orInterrupted(inner.get(key, range))),
    head: (key) => retried(called(`head ${key}`, clock), () => orInterrupted(inner.head(key))),
    delete: (key) => retried(called(`delete ${key}`, clock), () => inner.delete(key)),

    async *list(prefix, listOptions) {
      let after = listOptions?.after;
      let failing = called(`list ${prefix}`);
      for (;;) {
        refuseIfAborted();
        try {
          for await (const object of inner.list(prefix, after === undefined ? {} : { after })) {
            yield object;
            after = object.key;
            if (failing.failures > 0) {
              failing = called(`list ${prefix}`); // it moves: the next failure is a first one
              succeeded();
            }
          }
          succeeded();
          return;
        } catch (error) {
          await pause(failing, error);
        }
      }
    },

    ...clockOf(inner, (call) => retried(called("tell the time", clock), () => orInterrupted(call()))),
    close: () => inner.close(),
  };
}

/** A call and its failures up to now, all of them in a row. */
type FailingCall = {
  readonly action: string;
  /** When it was called, for calls that a store that is well answers soon. */
  readonly calledMs?: number;
  beganMs?: number;
  failures: number;
  briefFailures: number;
  /** Whether the outage that it is part of was told. */
  isTold: boolean;
};

function called(action: string, clock?: Clock): FailingCall {
  const failing = { action, failures: 0, briefFailures: 0, isTold: false };
  return clock === undefined ? failing : { ...failing, calledMs: clock.nowMs() };
}

/** Whether an error is an answer of the store, which then is there. */
function isAnswer(error: unknown): boolean {
  return isHoldfastError(error, "absent", "conflict", "corrupt");
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

function givenUp(error: HoldfastError, { failures, beganMs = 0 }: FailingCall, nowMs: number): HoldfastError {
  const times = failures === 1 ? "once" : `${failures} times in ${Math.round((nowMs - beganMs) / 1000)} s`;
  return new HoldfastError("unavailable", `${error.message} (tried ${times})`, {
    detail: { ...error.detail, attempts: failures },
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
