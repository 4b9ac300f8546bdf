import { defaultRetryForMs } from "#shared/store/retrying-store.ts";

/** How long a client of a mount waits for a store that does not answer, where the command line says nothing. */
const servingMs = 20_000;

/** How long calls to a store that does not answer are tried again. */
export class Patience {
  readonly #givenMs: number | undefined;
  #defaultMs = defaultRetryForMs;

  /** @param givenMs - what `--retry-for` says */
  constructor(givenMs: number | undefined) {
    this.#givenMs = givenMs;
  }

  get retryForMs(): number {
    return this.#givenMs ?? this.#defaultMs;
  }

  /** From now on there are clients who wait for answers, and give up before long. */
  serve(): void {
    this.#defaultMs = servingMs;
  }
}
