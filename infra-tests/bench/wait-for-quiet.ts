import { setTimeout as sleep } from "node:timers/promises";
import { performance } from "node:perf_hooks";
import { machineCpuSeconds } from "./machine-cpu-seconds.ts";

/** Cores' worth of CPU time below which the machine counts as quiet. */
const quietCores = 0.15;
const windowMs = 500;

/**
 * Waits until the machine is all but idle for half a second, at most `limitMs`. Where /proc/stat is missing it does not wait.
 *
 * @param busySeconds - CPU seconds that the machine has spent so far
 * @throws when it does not become so: what is measured then is what others do
 */
export async function waitForQuiet(
  limitMs: number,
  busySeconds: () => number | undefined = machineCpuSeconds,
): Promise<void> {
  const end = performance.now() + limitMs;
  let cores = Number.NaN;
  while (performance.now() < end) {
    const start = performance.now();
    const before = busySeconds();
    if (before === undefined) return;
    await sleep(windowMs);
    const busy = (busySeconds() ?? before) - before;
    cores = busy / ((performance.now() - start) / 1000);
    if (cores < quietCores) return;
  }
  throw new Error(`the machine did not get quiet within ${limitMs / 1000} s: others use ${cores.toFixed(2)} cores`);
}
