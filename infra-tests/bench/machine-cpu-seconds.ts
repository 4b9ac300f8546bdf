import { existsSync, readFileSync } from "node:fs";

/** Ticks of /proc's clocks in a second; USER_HZ is 100 on every Linux that Node runs on. */
export const ticksPerSecond = 100;

/** CPU seconds that the whole machine has spent busy since it started; undefined where /proc/stat is missing. */
export function machineCpuSeconds(): number | undefined {
  if (!existsSync("/proc/stat")) return undefined;
  const [, user = 0, nice = 0, system = 0, , , irq = 0, softirq = 0] = readFileSync("/proc/stat", "utf8")
    .slice(0, 512)
    .split("\n", 1)[0]!
    .split(/\s+/)
    .map(Number);
  return (user + nice + system + irq + softirq) / ticksPerSecond;
}
