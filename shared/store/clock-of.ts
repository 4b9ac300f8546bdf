import type { Store } from "./store.ts";

/**
 * The clock of the store below, for a wrapper to show as its own.
 *
 * @param ask - how the wrapper makes a call; by default it just makes it
 */
export function clockOf(
  inner: Store,
  ask: (call: () => Promise<number | undefined>) => Promise<number | undefined> = (call) => call(),
): Pick<Store, "clockMs"> {
  const { clockMs } = inner;
  return clockMs === undefined ? {} : { clockMs: () => ask(clockMs) };
}
