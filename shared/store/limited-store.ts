import type { Clock } from "#shared/clock.ts";
import { HoldfastError } from "#shared/errors.ts";
import { clockOf } from "./clock-of.ts";
import { sizeOfParts } from "./joined-bytes.ts";
import { slots } from "./slots.ts";
import type { Store } from "./store.ts";

/** Options of `limitedStore`; what is left out is not limited. */
export type LimitedStoreOptions = {
  readonly clock: Clock;
  /** How many calls run at once; each step of a listing counts as a call. */
  readonly requests?: number;
  readonly upBytesPerSecond?: number;
  readonly downBytesPerSecond?: number;
};

/**
 * Limits how many calls run at once, and how many bytes a second go up and down.
 *
 * Bytes come from a bucket that holds one second's worth. A call of more bytes than that goes when the bucket is full and leaves
 * it in debt, so that the average holds for any size. Waiting calls hold no more than their callers hold already.
 *
 * @throws {HoldfastError} invalid: a limit is not a positive number
 */
export function limitedStore(inner: Store, options: LimitedStoreOptions): Store {
  const { clock, requests, upBytesPerSecond, downBytesPerSecond } = options;
  for (const limit of [requests, upBytesPerSecond, downBytesPerSecond]) {
    if (limit !== undefined && !(limit >= 1))
      throw new HoldfastError("invalid", `Cannot limit a store to ${limit}: use 1 or more`);
  }
  const running = slots(requests ?? Number.POSITIVE_INFINITY);
  const up = bytesPerSecond(clock, upBytesPerSecond);
  const down = bytesPerSecond(clock, downBytesPerSecond);

  return {
    description: inner.description,

    async put(key, body, putOptions) {
      await running.run(async () => {
        await up(sizeOfParts(body));
        await inner.put(key, body, putOptions);
      });
    },

    get(key, range) {
      return running.run(async () => {
        await down(range?.lengthBytes ?? 0);
        const bytes = await inner.get(key, range);
        if (range === undefined) await down(bytes.byteLength); // its size was not known before
        return bytes;
      });
    },

    head: (key) => running.run(() => inner.head(key)),
    delete: (key) => running.run(() => inner.delete(key)),

    async *list(prefix, listOptions) {
      // A slot for each step and none in between: whoever calls the store while it iterates must not wait for itself.
      const objects = inner.list(prefix, listOptions)[Symbol.asyncIterator]();
      try {
        for (;;) {
          const step = await running.run(() => objects.next());
          if (step.done === true) return;
          yield step.value;
        }
      } finally {
        await objects.return?.();
      }
    },

    ...clockOf(inner, (call) => running.run(call)),
    close: () => inner.close(),
  };
}

/** Returns a function that waits until `sizeBytes` more may pass. */
function bytesPerSecond(clock: Clock, rate: number | undefined): (sizeBytes: number) => Promise<void> {
  if (rate === undefined) return async () => undefined;
  let paidUntilMs = Number.NEGATIVE_INFINITY;
  return async (sizeBytes) => {
    if (!(sizeBytes > 0)) return;
    const nowMs = clock.nowMs();
    const startMs = Math.max(paidUntilMs, nowMs - 1000); // an idle bucket fills up to one second's worth
    paidUntilMs = startMs + (sizeBytes / rate) * 1000;
    // What is more than a full bucket goes at once and is paid for by those that follow.
    const waitMs = Math.min(paidUntilMs, startMs + 1000) - nowMs;
    if (waitMs > 0) await clock.sleep(waitMs);
  };
}
