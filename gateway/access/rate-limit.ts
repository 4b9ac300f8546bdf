import type { Clock } from "#shared/clock.ts";

/** Callers that are remembered; the one that asked longest ago is forgotten. */
const callersMax = 10_000;

/** Characters of a name that tell callers apart. */
const nameCharactersMax = 64;

/** So many tokens a caller, refilled at a rate: a bucket for each address (of IPv6 for each /64), and for each name there. */
export class RateLimit {
  readonly #clock: Clock;
  readonly #perSecond: number;
  readonly #burst: number;
  readonly #buckets = new Map<string, { tokens: number; atMs: number }>();

  constructor(clock: Clock, options: { readonly perSecond: number; readonly burst: number }) {
    this.#clock = clock;
    this.#perSecond = options.perSecond;
    this.#burst = options.burst;
  }

  /** Takes a token. False: there is none. */
  take(address: string): boolean {
    return this.reserve(address, "", 0) === 0;
  }

  /**
   * Takes a token, or one of those that come next, and gives the milliseconds until it is there. Undefined: `waitingMax` others wait already;
   * none is taken.
   */
  reserve(address: string, name: string, waitingMax: number): number | undefined {
    const bucket = this.#bucket(address, name);
    if (bucket.tokens - 1 < -waitingMax) return undefined;
    bucket.tokens--;
    return (Math.max(0, -bucket.tokens) / this.#perSecond) * 1000;
  }

  /** Gives a token back. */
  giveBack(address: string, name: string): void {
    const bucket = this.#bucket(address, name);
    bucket.tokens = Math.min(this.#burst, bucket.tokens + 1);
  }

  #bucket(address: string, caller: string): { tokens: number; atMs: number } {
    const name = `${networkOf(address)} ${caller.slice(0, nameCharactersMax)}`;
    const nowMs = this.#clock.nowMs();
    const known = this.#buckets.get(name) ?? { tokens: this.#burst, atMs: nowMs };
    const elapsedMs = Math.max(0, nowMs - known.atMs);
    known.tokens = Math.min(this.#burst, known.tokens + (elapsedMs / 1000) * this.#perSecond);
    known.atMs = nowMs;
    this.#buckets.delete(name);
    this.#buckets.set(name, known);
    for (const [oldest] of this.#buckets) {
      if (this.#buckets.size <= callersMax) break;
      this.#buckets.delete(oldest);
    }
    return known;
  }
}

function networkOf(address: string): string {
  if (!address.includes(":") || address.startsWith("::ffff:")) return address;
  const [head = "", tail] = address.split("::");
  const groups = head.split(":");
  const missing = tail === undefined ? 0 : 8 - groups.length - tail.split(":").length;
  return [...groups, ...Array.from({ length: Math.max(0, missing) }, () => "0")].slice(0, 4).join(":");
}
