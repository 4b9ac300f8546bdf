import type { Clock } from "#shared/clock.ts";
import { HoldfastError } from "#shared/errors.ts";
import type { Random } from "#shared/random.ts";
import { joinedBytes } from "#shared/store/joined-bytes.ts";
import { logPrefix } from "#shared/store/object-key.ts";
import type { Store } from "#shared/store/store.ts";
import { alreadyThere } from "#shared/store/object-error.ts";
import type { World } from "./world.ts";

type Verb = "put" | "get" | "head" | "list" | "delete";

/** What becomes of one call. */
type Fate = "done" | "refused" | "reply lost" | "late" | "doubled" | "raced" | "dies before" | "dies after";

/**
 * One run of a program of the simulated world, from its start to its end or its crash: its store, its clock, its randomness.
 *
 * Who has crashed never hears of anything again; what it had sent may still arrive.
 */
export class Life {
  readonly name: string;
  /** Resolves when the program crashes. */
  readonly crashed: Promise<void>;
  readonly store: Store;
  readonly clock: Clock;
  readonly random: Random;
  readonly #world: World;
  #isOver = false;
  #pausedUntilMs = 0;
  #calls = 0;
  #crash: () => void = () => undefined;

  /** @param clockMs - what this program's clock shows at the beginning of the world, and how fast it goes */
  constructor(world: World, name: string, clockMs: { readonly offset: number; readonly rate: number }) {
    this.#world = world;
    this.name = name;
    this.random = world.random.bytes;
    this.crashed = new Promise((resolve) => {
      this.#crash = resolve;
    });
    this.store = this.#makeStore();
    this.clock = {
      nowMs: () => Math.max(0, Math.floor(clockMs.offset + world.loop.nowMs * clockMs.rate)),
      sleep: (ms) =>
        new Promise((resolve) =>
          world.loop.at(world.loop.nowMs + Math.ceil(Math.max(0, ms)), () => this.#hear(resolve)),
        ),
    };
  }

  /** Calls to the store so far. */
  get calls(): number {
    return this.#calls;
  }

  /** Ends it: it hears of nothing any more. */
  end(): void {
    this.#isOver = true;
  }

  /** Lets it hear of something, once it is not paused. */
  #hear(tell: () => void): void {
    if (this.#isOver) return;
    const { loop } = this.#world;
    if (loop.nowMs < this.#pausedUntilMs) loop.at(this.#pausedUntilMs, () => this.#hear(tell));
    else tell();
  }

  #die(verb: Verb, key: string): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#world.note(this.name, `dies at ${verb} ${key}`);
    this.#crash();
  }

  #call<Result>(verb: Verb, key: string, effect: () => Result): Promise<Result> {
    const world = this.#world;
    const { loop, random, weather } = world;
    if (this.#isOver) return new Promise(() => undefined);
    this.#calls++;
    const fate = this.#fate(verb, key);
    const arrivesMs = loop.nowMs + random.aroundMs(weather.latencyMs / 2);
    const repliesMs = arrivesMs + random.aroundMs(weather.latencyMs / 2);
    return new Promise((resolve, reject) => {
      let settle = (): void => reject(unavailable(verb, key, fate));
      const act = (): void => {
        try {
          const result = effect();
          if (fate === "done" || fate === "doubled") settle = () => resolve(result);
        } catch (error) {
          if (fate === "done" || fate === "doubled") settle = () => reject(error);
        }
      };
      if (fate === "dies before") return loop.at(arrivesMs, () => this.#die(verb, key));
      if (fate === "raced") settle = () => reject(alreadyThere(key));
      if (fate === "late") loop.at(repliesMs + random.aroundMs(weather.lateMs), act);
      else if (fate !== "refused" && fate !== "raced") loop.at(arrivesMs, act);
      if (fate === "doubled") loop.at(arrivesMs, act);
      if (fate === "dies after") return loop.at(arrivesMs, () => this.#die(verb, key));
      if (random.chance(weather.pause)) {
        this.#pausedUntilMs = repliesMs + random.aroundMs(weather.pauseMs);
        world.note(this.name, `pauses until ${this.#pausedUntilMs}`);
      }
      loop.at(repliesMs, () =>
        this.#hear(() => {
          world.step(this.name, verb, key, fate);
          settle();
        }),
      );
    });
  }

  #fate(verb: Verb, key: string): Fate {
    const { random, weather } = this.#world;
    let draw = random.fraction();
    const changes = verb === "put" || verb === "delete";
    const fates: readonly (readonly [Fate, number])[] = [
      ["dies before", weather.crash / 2],
      ["dies after", weather.crash / 2],
      ["refused", weather.refused],
      ["reply lost", weather.replyLost],
      ["late", changes ? weather.late : 0],
      ["doubled", verb === "put" ? weather.doubled : 0],
      ["raced", verb === "put" && key.startsWith(logPrefix) ? weather.raced : 0],
    ];
    for (const [fate, likelihood] of fates) {
      if (draw < likelihood) return fate;
      draw -= likelihood;
    }
    return "done";
  }

  #makeStore(): Store {
    const { objects, weather } = this.#world;
    const call = this.#call.bind(this);
    return {
      description: `the store of ${this.name}`,
      async put(key, body, options) {
        const bytes = joinedBytes(body);
        const sha256 = options?.sha256?.slice();
        return call("put", key, () => objects.create(key, bytes, sha256));
      },
      get: (key, range) => call("get", key, () => objects.read(key, range)),
      head: (key) => call("head", key, () => objects.stat(key)),
      async *list(prefix, options) {
        let after = options?.after ?? "";
        for (;;) {
          const from = after;
          const page = await call("list", prefix, () => objects.page(prefix, from, weather.pageObjects));
          yield* page;
          const last = page.at(-1);
          if (last === undefined || page.length < weather.pageObjects) return;
          after = last.key;
        }
      },
      delete: (key) => call("delete", key, () => objects.delete(key)),
      ...(weather.tellsTimes && weather.storeClock !== "untold"
        ? { clockMs: () => call("head", "the time", () => this.#world.storeMs()) }
        : {}),
      close: () => Promise.resolve(),
    };
  }
}

function unavailable(verb: Verb, key: string, fate: Fate): HoldfastError {
  return new HoldfastError("unavailable", `Cannot ${verb} ${key}: the store does not answer (${fate})`);
}
