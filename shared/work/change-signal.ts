import { HoldfastError } from "#shared/errors.ts";

/**
 * How one task waits for what others do at the same time. Everything that may end a wait goes through it: something was done (`notify`), something failed
 * (`fail`), or the run was aborted.
 *
 * Whoever waits says what for, as a step that makes all the progress that can be made now and tells whether that was enough. It is tried before each
 * sleep, so that what came before the wait is never slept over; and there is no sleep where nobody is at work, so that none lasts for ever.
 */
export class ChangeSignal {
  readonly #aborted: AbortSignal | undefined;
  readonly #describeAbort: () => HoldfastError;
  #changes = 0;
  #failure: { readonly error: unknown } | undefined;
  #wake: (() => void) | undefined;

  /** @param describeAbort - what is thrown once `aborted` was aborted */
  constructor(aborted: AbortSignal | undefined, describeAbort: () => HoldfastError) {
    this.#aborted = aborted;
    this.#describeAbort = describeAbort;
  }

  /** Something was done that a waiting task may need. */
  readonly notify = (): void => {
    this.#changes++;
    this.#wake?.();
  };

  /** Something failed: whoever waits or checks throws `error`. The first failure counts. */
  readonly fail = (error: unknown): void => {
    this.#failure ??= { error };
    this.notify();
  };

  /** @throws what failed, or that the run was aborted */
  check(): void {
    if (this.#failure !== undefined) throw this.#failure.error;
    if (this.#aborted?.aborted === true) throw this.#describeAbort();
  }

  /**
   * Returns once `step` returns true. One task at a time may wait.
   *
   * @param step - makes progress, and tells whether it is enough
   * @param isAnyoneAtWork - whether something is under way that will end in `notify` or `fail`
   * @throws as `check`
   * @throws {HoldfastError} internal: nobody is at work, and it is not enough
   */
  async until(step: () => boolean | Promise<boolean>, isAnyoneAtWork: () => boolean): Promise<void> {
    for (;;) {
      this.check();
      const seen = this.#changes;
      if (await step()) return;
      if (this.#changes !== seen) continue;
      this.check();
      if (!isAnyoneAtWork()) throw new HoldfastError("internal", "Cannot go on: what is waited for is done by nobody");
      if (this.#changes === seen) await this.#change();
    }
  }

  /** Returns once `isDone` returns true or nobody is at work any more, whatever failed and although the run was aborted: for an orderly end. */
  async outlast(isDone: () => boolean, isAnyoneAtWork: () => boolean): Promise<void> {
    while (!isDone() && isAnyoneAtWork()) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
      this.#wake = undefined;
    }
  }

  async #change(): Promise<void> {
    const aborted = this.#aborted;
    try {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
        aborted?.addEventListener("abort", this.notify);
      });
    } finally {
      this.#wake = undefined;
      aborted?.removeEventListener("abort", this.notify);
    }
  }
}
