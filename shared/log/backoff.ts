import type { Random } from "#shared/random.ts";

/** The longest wait between two attempts, milliseconds. */
export const backoffLimitMs = 2000;

const longestRoundTripMs = 250;
const eagerAfterLosses = 8;

/**
 * How long who lost a race for a log entry waits before the next: a random time below a bound that grows by one round trip with each
 * loss, so that a crowd thins; from the eighth loss on the bound shrinks again, down to nothing, so that whoever has waited longest
 * goes before the newcomers. At most 2 s.
 *
 * @param losses - races lost in a row, this one included
 * @param roundTripMs - how long the put that lost took
 */
export function raceWaitMs(losses: number, roundTripMs: number, random: Random): number {
  const steps = losses <= eagerAfterLosses ? losses : Math.max(0, 2 * eagerAfterLosses - losses);
  return steps * Math.min(longestRoundTripMs, Math.max(1, roundTripMs)) * fraction(random);
}

/** How long to wait before try number `tries` + 1 at a store that does not answer: a random time below a bound that doubles, up to 2 s. */
export function outageWaitMs(tries: number, random: Random): number {
  return Math.min(backoffLimitMs, 50 * 2 ** (tries - 1)) * fraction(random);
}

function fraction(random: Random): number {
  return new DataView(random(4).buffer).getUint32(0, true) / 2 ** 32;
}
