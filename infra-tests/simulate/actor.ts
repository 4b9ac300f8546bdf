import { createSigner, type Signer } from "#shared/crypto/signing.ts";
import { isHoldfastError } from "#shared/errors.ts";
import { type LogMark, logMark } from "#shared/log/log-state.ts";
import { openBundle, openRepository, readConfig } from "#shared/repository/open-repository.ts";
import type { Repository } from "#shared/repository/repository.ts";
import { retryingStore } from "#shared/store/retrying-store.ts";
import type { Store } from "#shared/store/store.ts";
import { Life } from "./life.ts";
import { beginningMs, type World } from "./world.ts";

/** How one life of an actor ended. */
export type Ending = "done" | "failed" | "crashed";

/** Calls to the store after which one life counts as going on for ever. */
const callsMax = 6000;

/** Somebody who does one thing with the store again and again, each time as a program that starts afresh. What it keeps is its disk. */
export abstract class Actor {
  readonly name: string;
  protected readonly world: World;
  protected readonly signer: Signer;
  /** What its clock shows at the beginning of the world, and how fast it goes. */
  clockMs: { readonly offset: number; readonly rate: number };
  /** The highest entry that it has seen. */
  #mark: LogMark | undefined;

  constructor(world: World, name: string) {
    this.world = world;
    this.name = name;
    this.signer = createSigner(world.random.bytes(32));
    this.clockMs = world.random.chance(world.weather.liars) ? lyingClock(world) : { offset: beginningMs, rate: 1 };
  }

  /** What it does. Rejects with what the program would end with. */
  protected abstract work(life: Life, store: Store): Promise<void>;

  /** Lives once. */
  async live(): Promise<Ending> {
    const { world } = this;
    const life = new Life(world, this.name, this.clockMs);
    const { clock, random } = life;
    const store = retryingStore(life.store, { clock, random, attempts: 5 });
    const ending = await Promise.race([
      this.work(life, store).then(
        (): Ending => "done",
        (error: unknown): Ending => this.#judge(error),
      ),
      life.crashed.then((): Ending => "crashed"),
    ]);
    life.end();
    if (life.calls > callsMax) world.violate(`${this.name} made ${life.calls} calls to do one thing`);
    world.note(this.name, ending);
    world.count(`${this.constructor.name} ${ending}`);
    return ending;
  }

  /** Opens the repository, and has what it folded compared with what others folded. */
  protected async open(life: Life, store: Store): Promise<Repository> {
    const { clock, random } = life;
    const read = await readConfig(store);
    const bundle = await openBundle(store, read, () => Promise.reject(new Error("no secret is needed")));
    const repository = await openRepository({
      store,
      read,
      bundle,
      signer: this.signer,
      clock,
      random,
      ...(this.#mark === undefined ? {} : { atLeast: this.#mark }),
    });
    this.world.oracle.folded(repository.log);
    this.#mark = logMark(repository.log);
    return repository;
  }

  #judge(error: unknown): Ending {
    const { world, name } = this;
    if (isHoldfastError(error, "unavailable", "conflict")) {
      world.note(name, `fails: ${error.message}`);
      return "failed";
    }
    const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
    const cause = error instanceof Error && error.cause instanceof Error ? `; cause: ${error.cause.message}` : "";
    world.violate(`${name} ends with ${text}${cause}`);
    return "failed";
  }
}

const year = 365 * 24 * 60 * 60 * 1000;

/** A clock that is right, or years off, or at 1970, and may go too fast, not at all, or backwards. */
function lyingClock({ random }: World): { readonly offset: number; readonly rate: number } {
  return {
    offset: random.pick([beginningMs, beginningMs - 3 * year, beginningMs + 3 * year, 0]),
    rate: random.pick([1, 1, 0, 10, 0.1, -1]),
  };
}
