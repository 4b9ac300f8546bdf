import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

type Collect = (options: { readonly type: "minor" | "major" }) => void;

/** Made when it is needed first: that takes a context of its own, and a millisecond. */
let collector: Collect | undefined;

/**
 * Collects the young garbage of this thread at once.
 *
 * Buffers of megabytes that a loop makes and drops are small objects to the collector, which lets tens of megabytes of their
 * memory pile up outside its heap before it looks. A minor collection every few megabytes takes a fraction of a millisecond
 * and keeps the memory of a thread flat.
 */
export function collectYoungGarbage(): void {
  collect("minor");
}

/** Collects all garbage of this thread at once, between two steps that each hold large buffers. Takes tens of milliseconds. */
export function collectAllGarbage(): void {
  collect("major");
}

function collect(type: "minor" | "major"): void {
  collector ??= exposedCollector();
  collector({ type });
}

function exposedCollector(): Collect {
  setFlagsFromString("--expose-gc");
  const found: unknown = runInNewContext("typeof gc === 'function' ? gc : undefined");
  setFlagsFromString("--no-expose-gc");
  return typeof found === "function" ? (options) => void found(options) : () => undefined;
}
