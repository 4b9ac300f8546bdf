import { readdirSync, readFileSync } from "node:fs";
import { performance } from "node:perf_hooks";
import { setTimeout as sleep } from "node:timers/promises";

const pollMs = 100;

/** The ids of the processes that were started with this HOME, such as a daemon that a backup program left behind; none where there is no /proc. */
export function processesOfHome(home: string): number[] {
  const wanted = Buffer.from(`\0HOME=${home}\0`);
  let ids: string[];
  try {
    ids = readdirSync("/proc");
  } catch {
    return [];
  }
  return ids.filter((name) => /^\d+$/.test(name) && hasVariable(name, wanted)).map(Number);
}

function hasVariable(id: string, wanted: Buffer): boolean {
  try {
    return Buffer.concat([Buffer.of(0), readFileSync(`/proc/${id}/environ`)]).includes(wanted);
  } catch {
    return false; // it has ended, or is another user's
  }
}

/**
 * Waits until no process with this HOME is left: what a program does after it has ended would count in the time of the next one.
 *
 * @throws when some are left after `limitMs`
 */
export async function waitForEndOfHome(home: string, limitMs: number): Promise<void> {
  const end = performance.now() + limitMs;
  for (;;) {
    const left = processesOfHome(home);
    if (left.length === 0) return;
    if (performance.now() >= end) {
      throw new Error(`processes that it left behind still run after ${limitMs / 1000} s: ${left.join(", ")}`);
    }
    await sleep(pollMs);
  }
}
