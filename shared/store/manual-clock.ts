import type { Clock } from "#shared/clock.ts";

/** A clock for tests: sleeping takes no time at all, and is written down. */
export type ManualClock = Clock & {
  /** How long each sleep was, in order. */
  readonly sleptMs: readonly number[];
  /** Moves the time on. */
  advance(ms: number): void;
};

/** Starts a clock at `nowMs` whose time passes only by sleeping and by `advance`. */
export function manualClock(nowMs = 0): ManualClock {
  const sleptMs: number[] = [];
  let now = nowMs;
  return {
    sleptMs,
    nowMs: () => now,
    async sleep(ms, signal) {
      if (signal?.aborted === true) throw signal.reason;
      sleptMs.push(ms);
      now += ms;
    },
    advance(ms) {
      now += ms;
    },
  };
}
