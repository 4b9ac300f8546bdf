import type { Reporter } from "#shared/operations/progress.ts";
import type { Repository } from "#shared/repository/repository.ts";
import { UnusableMemory } from "./unusable-memory.ts";

/**
 * The blob index of a repository whose heads are loaded, loaded when it is first needed: to read, open and join it takes longer than a whole
 * backup of a tree that is known already.
 */
export class IndexOnDemand {
  readonly #repository: Repository;
  readonly #reporter: Reporter;
  readonly #isSafe: ((segment: number) => boolean) | undefined;
  #loading: Promise<void> | undefined;
  #told = 0;
  #isLoaded = false;
  #isMemoryUsed = false;

  /** @param isSafe - whether a segment may be built on: blobs in others are forgotten; undefined: all may be */
  constructor(
    repository: Repository,
    { reporter, isSafe }: { readonly reporter: Reporter; readonly isSafe: ((segment: number) => boolean) | undefined },
  ) {
    this.#repository = repository;
    this.#reporter = reporter;
    this.#isSafe = isSafe;
    this.#tellProblems();
  }

  /** Whether blobs are found. */
  get isLoaded(): boolean {
    return this.#isLoaded;
  }

  /** From now on the backup builds on what is remembered of a tree, which holds only while the index of every state can be read. */
  useMemory(): void {
    this.#isMemoryUsed = true;
  }

  /** Loads the index, once. @throws {UnusableMemory} something of it cannot be read, and what is remembered was built on */
  load(): Promise<void> {
    this.#loading ??= this.#load();
    return this.#loading;
  }

  async #load(): Promise<void> {
    const { index } = this.#repository;
    await this.#repository.loadIndex();
    const isSafe = this.#isSafe;
    if (isSafe !== undefined) index.forgetSegments((segment) => !isSafe(segment));
    const isWhole = !this.#tellProblems();
    if (!isWhole && this.#isMemoryUsed) throw new UnusableMemory("the index of a state cannot be read");
    this.#isLoaded = true;
  }

  /** Tells of states that cannot be read, of each once. @returns whether there are any that were not told of before */
  #tellProblems(): boolean {
    const found = this.#repository.problems.slice(this.#told);
    for (const { stateId, error } of found) {
      this.#reporter.notice({
        level: "warning",
        message: `State ${stateId} cannot be read and is not used: ${error.message}`,
      });
    }
    this.#told += found.length;
    return found.length > 0;
  }
}
