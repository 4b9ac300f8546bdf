/** Where the packaged program, which is another module to Node than what starts it, finds what it is to do at its end. */
const key = Symbol.for("holdfast.keep-code");

type Holder = { [key]?: (() => void) | undefined };

/** Has `keep` called when the process ends. */
export function keepCodeAtEnd(keep: () => void): void {
  (globalThis as Holder)[key] = keep;
}

/** Keeps the compiled code of this run for the next ones, if that was asked for. What goes wrong with it must not change how the run ends. */
export function keepCode(): void {
  try {
    (globalThis as Holder)[key]?.();
  } catch {
    // The next run compiles again.
  }
}
