import { clockToleranceMs } from "#shared/operations/maintenance/witnesses.ts";
import type { World } from "./world.ts";

/** Lets so much time pass that every grace period is over, and what clocks may differ by without being doubted. */
export function passGrace({ loop, weather, oracle }: World): void {
  loop.nowMs += 2 * Math.max(weather.graceMs, oracle.fold?.graceMs ?? 0) + 2 * clockToleranceMs;
}
