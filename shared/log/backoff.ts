import type { Random } from "#shared/random.ts";

// The longest wait for a store that does not answer.
const backoffLimitMs = 2000;

const longestRoundTripMs = 250;
const eagerAfterLosses = 8;

/**
 * How long who lost a race for a log entry waits before it looks and tries again: a random time of up to one round trip, so that a crowd
 * spreads out; nothing from the ninth loss in a row on, so that whoever has waited longest goes before the newcomers.
 *
 * @param losses - races lost in a row, this one included
 * @param roundTripMs - how long the put that lost took
 */
export function raceWaitMs(losses: number, roundTripMs: number, random: Random): number {
  if (losses > eagerAfterLosses) return 0;
  return Math.min(longestRoundTripMs, Math.max(1, roundTripMs)) * fraction(random);
}

/** How long to wait before try number `tries` + 1 at a store that does not answer: a random time below a bound that doubles, up to 2 s. */
export function outageWaitMs(tries: number, random: Random): number {
  return Math.min(backoffLimitMs, 50 * 2 ** (tries - 1)) * fraction(random);
}

function fraction(random: Random): number {
  return new DataView(random(4).buffer).getUint32(0, true) / 2 ** 32;
}
