import { createHash } from "node:crypto";
import { EventLoop } from "./event-loop.ts";
import { Oracle } from "./oracle.ts";
import { SeededRandom } from "./seeded-random.ts";
import { StoredObjects } from "./stored-objects.ts";
import { drawWeather, promisesGrace, type Weather } from "./weather.ts";

/** When simulated worlds begin, milliseconds since 1970. */
export const beginningMs = Date.UTC(2026, 0, 1);

/** Lines of the trace that are kept for a report. */
const keptLines = 40;

/** A simulated world: one store, one time, one source of randomness, and somebody who watches whether all promises are kept. */
export class World {
  readonly seed: number;
  readonly loop = new EventLoop();
  readonly random: SeededRandom;
  readonly oracle: Oracle;
  readonly objects: StoredObjects;
  weather: Weather;
  /** Completed calls to the store. */
  steps = 0;
  /** What was broken first, in words. */
  violation: string | undefined;
  /** What was counted, by name: how a world tells that it was not idle. */
  readonly counts = new Map<string, number>();
  readonly #hash = createHash("sha256");
  readonly #lastLines: string[] = [];
  readonly #onLine: ((line: string) => void) | undefined;

  /** @param weather - what of the weather is not drawn */
  constructor(seed: number, onLine?: (line: string) => void, weather: Partial<Weather> = {}) {
    this.seed = seed;
    this.#onLine = onLine;
    this.random = new SeededRandom(seed);
    this.weather = { ...drawWeather(this.random), ...weather };
    const { graceMs } = this.weather;
    this.oracle = new Oracle((broken) => this.violate(broken), {
      nowMs: () => this.loop.nowMs,
      graceMs: promisesGrace(this.weather) ? graceMs : undefined,
    });
    this.objects = new StoredObjects({
      watcher: {
        created: (key, bytes) => this.oracle.created(key, bytes, (each) => this.objects.peek(each)),
        deleted: (key) => this.oracle.deleted(key),
      },
      tells: { hashes: this.weather.tellsHashes, times: this.weather.tellsTimes },
      nowMs: () => this.storeMs(),
    });
  }

  /** What the store's clock shows. */
  storeMs(): number {
    const { storeClock } = this.weather;
    return beginningMs + this.loop.nowMs + (storeClock === "untold" ? 0 : storeClock);
  }

  /** A call to the store is complete. */
  step(who: string, verb: string, key: string, fate: string): void {
    this.steps++;
    this.note(who, `${verb} ${key} ${fate}`);
  }

  /** Writes something into the trace. */
  note(who: string, what: string): void {
    const line = `${this.loop.nowMs} ${who} ${what}`;
    this.#hash.update(line).update("\n");
    if (this.#lastLines.length >= keptLines) this.#lastLines.shift();
    this.#lastLines.push(line);
    this.#onLine?.(line);
  }

  /** Counts something. */
  count(what: string): void {
    this.counts.set(what, (this.counts.get(what) ?? 0) + 1);
  }

  /** A promise was broken: the first time counts. */
  violate(broken: string): void {
    if (this.violation !== undefined) return;
    this.violation = broken;
    this.note("oracle", broken);
  }

  /** The last lines of the trace. */
  get lastLines(): readonly string[] {
    return this.#lastLines;
  }

  /** SHA-256 of the trace so far, which may not go on after this. */
  traceSha256(): string {
    return this.#hash.digest("hex");
  }
}
