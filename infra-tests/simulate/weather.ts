import type { SeededRandom } from "./seeded-random.ts";

/** How often things go wrong in one world, and how it is laid out. Likelihoods are of each call to the store. */
export type Weather = {
  readonly latencyMs: number;
  /** Fails with 500 or 503, without effect. */
  readonly refused: number;
  /** Takes effect, and its reply is lost. */
  readonly replyLost: number;
  /** Times out, and takes effect up to `lateMs` after that. */
  readonly late: number;
  readonly lateMs: number;
  /** Is sent twice below the caller, who hears of the second only. */
  readonly doubled: number;
  /** A racing create of a log entry ends with 409, and nothing of it is there. */
  readonly raced: number;
  /** The caller dies before the effect or after it. */
  readonly crash: number;
  /** The caller stops for about `pauseMs` before it hears the reply. */
  readonly pause: number;
  readonly pauseMs: number;
  /** How likely each actor's clock lies: of none, of a minority, of all. */
  readonly liars: number;
  /** What the store tells of its own clock: nothing, or the time of the world moved by that much, milliseconds. */
  readonly storeClock: "untold" | number;
  /** How long who has done something rests, on average. */
  readonly restMs: number;
  readonly graceMs: number;
  /** Objects in a page of a listing. */
  readonly pageObjects: number;
  /** Whether the store keeps hashes of what it holds, as S3 does. */
  readonly tellsHashes: boolean;
  /** Whether it keeps times: all real ones do. */
  readonly tellsTimes: boolean;
  readonly agents: number;
  readonly maintainers: number;
  readonly removers: number;
  readonly readers: number;
  readonly checkers: number;
  /** Whether objects are lost and rot at the end, and are repaired. */
  readonly isRuined: boolean;
  /** Whether packs are away at the end, while somebody repairs and maintains the store, and then come back. */
  readonly hasOutage: boolean;
};

const minute = 60_000;
const hour = 60 * minute;
const day = 24 * hour;

/** Draws the weather of a world: each kind of trouble is absent from some, and frequent in some. */
export function drawWeather(random: SeededRandom): Weather {
  const rate = (worst: number): number => (random.chance(0.35) ? 0 : worst * random.fraction() ** 2);
  // In a crowded world all is done at once, by many, and hardly any grace is given: that is where races are lost.
  const isCrowded = random.chance(0.6);
  const isRuined = random.chance(0.25);
  const restMs = isCrowded ? random.pick([500, 5000, minute]) : random.pick([minute, hour, 8 * hour]);
  return {
    latencyMs: random.pick([1, 20, 60, 1000]),
    refused: rate(0.15),
    replyLost: rate(0.1),
    late: rate(0.06),
    lateMs: random.pick([500, minute, day]),
    doubled: rate(0.1),
    raced: rate(0.3),
    crash: rate(0.02),
    pause: rate(0.03),
    pauseMs: restMs * random.pick([1, 10, 100]),
    liars: random.pick([0, 0, 0.3, 1]),
    storeClock: random.pick(["untold", 0, 0, -5 * hour, 30 * day] as const),
    restMs,
    graceMs: isCrowded ? random.pick([0, 0, 1000, minute]) : random.pick([0, minute, 2 * hour, day, 7 * day]),
    pageObjects: random.pick([2, 5, 1000]),
    tellsHashes: random.chance(0.5),
    tellsTimes: random.chance(0.9),
    agents: 1 + random.below(4),
    maintainers: isCrowded ? 1 + random.below(2) : random.below(3),
    removers: isCrowded ? 1 : random.below(2),
    readers: random.below(2),
    checkers: random.below(2),
    isRuined,
    hasOutage: !isRuined && random.chance(0.5),
  };
}

/** Weathers that can be asked for, so that what they bring happens in every world: what they leave open is drawn. */
export const namedWeathers = {
  outage: { isRuined: false, hasOutage: true, graceMs: 0 },
  liars: {
    liars: 0.6,
    storeClock: 0,
    tellsTimes: true,
    graceMs: minute,
    restMs: minute,
    maintainers: 3,
    removers: 2,
    isRuined: false,
    hasOutage: false,
  },
} as const satisfies Readonly<Record<string, Partial<Weather>>>;

/** Whether the grace period is promised by true time: the store's clock goes at its pace, or all others are right. */
export function promisesGrace({ liars, storeClock, tellsTimes }: Weather): boolean {
  return liars === 0 || (tellsTimes && storeClock !== "untold");
}

/** The weather once the storm is over: nothing goes wrong any more. */
export function calm(weather: Weather): Weather {
  return {
    ...weather,
    refused: 0,
    replyLost: 0,
    late: 0,
    doubled: 0,
    raced: 0,
    crash: 0,
    pause: 0,
  };
}
