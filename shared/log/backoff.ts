import type { Random } from "#shared/random.ts";

/** The longest wait between two attempts, milliseconds. */
export const backoffLimitMs = 2000;

const firstWaitMs = 4;
const eagerAfterLosses = 8;

/**
 * How long who has lost `losses` races for a log entry in a row waits before the next: a random time below a bound that
 * doubles with each loss, so that a crowd thins; from the eighth loss on the bound halves again, down to nothing, so that whoever has
 * waited longest goes before the newcomers.
 */
export function raceWaitMs(losses: number, random: Random): number {
  const steps = losses < eagerAfterLosses ? losses : 2 * eagerAfterLosses - losses;
  return steps <= 0 ? 0 : Math.min(backoffLimitMs, firstWaitMs * 2 ** (steps - 1)) * fraction(random);
}

/** How long to wait before try number `tries` + 1 at a store that does not answer: a random time below a bound that doubles, up to 2 s. */
export function outageWaitMs(tries: number, random: Random): number {
  return Math.min(backoffLimitMs, 50 * 2 ** (tries - 1)) * fraction(random);
}

function fraction(random: Random): number {
  return new DataView(random(4).buffer).getUint32(0, true) / 2 ** 32;
}
