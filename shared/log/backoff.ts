import type { Random } from "#shared/random.ts";

// The longest wait for a store that does not answer.
const backoffLimitMs = 2000;

const longestRoundTripMs = 250;
const longestRaceWaitMs = 500;
// Where a lost put costs next to nothing, what follows it (looking, folding, signing) does not: it sets the scale.
const shortestRoundMs = 8;
const paceMax = 8;
const eagerAfterLosses = 32;

/** A race for a log entry that was lost. */
export type LostRace = {
  /** Races lost in a row, this one included. */
  readonly losses: number;
  /** How long the put that lost took. */
  readonly roundTripMs: number;
  /** Entries that came while the race before was lost, or since the log was last seen. */
  readonly pace: number;
};

/**
 * How long who lost a race for a log entry waits before it looks and tries again: a random time up to a bound, so that a crowd spreads
 * out. The bound is a round trip (8 ms at least) for each entry that came meanwhile, up to eight and half a second: the more are at it, the more room they leave one
 * another. It shrinks with each loss and is nothing from the 33rd on, so that whoever has waited longest goes before the newcomers.
 */
export function raceWaitMs({ losses, roundTripMs, pace }: LostRace, random: Random): number {
  const roundMs = Math.min(longestRoundTripMs, Math.max(shortestRoundMs, roundTripMs));
  const crowd = Math.min(paceMax, Math.max(1, pace));
  const patience = Math.max(0, eagerAfterLosses + 1 - losses) / eagerAfterLosses;
  return Math.min(longestRaceWaitMs, roundMs * crowd) * patience * fraction(random);
}

/** How long to wait before try number `tries` + 1 at a store that does not answer: a random time below a bound that doubles, up to 2 s. */
export function outageWaitMs(tries: number, random: Random): number {
  return Math.min(backoffLimitMs, 50 * 2 ** (tries - 1)) * fraction(random);
}

function fraction(random: Random): number {
  return new DataView(random(4).buffer).getUint32(0, true) / 2 ** 32;
}
