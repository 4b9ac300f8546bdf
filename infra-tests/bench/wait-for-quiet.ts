import { setTimeout as sleep } from "node:timers/promises";
import { performance } from "node:perf_hooks";
import { machineCpuSeconds } from "./machine-cpu-seconds.ts";

/** Cores' worth of CPU time below which the machine counts as quiet. */
const quietCores = 0.15;
const windowMs = 500;

/**
 * Waits until the machine is all but idle for half a second, at most `limitMs`; returns whether it became so.
 *
 * Where /proc/stat is missing it does not wait.
 */
export async function waitForQuiet(limitMs: number): Promise<boolean> {
  const end = performance.now() + limitMs;
  while (performance.now() < end) {
    const start = performance.now();
    const before = machineCpuSeconds();
    if (before === undefined) return false;
    await sleep(windowMs);
    const busy = (machineCpuSeconds() ?? before) - before;
    if (busy / ((performance.now() - start) / 1000) < quietCores) return true;
  }
  return false;
}
