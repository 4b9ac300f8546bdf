import { readFileSync } from "node:fs";
import { setTimeout } from "node:timers/promises";
import { runClient } from "./real-client.ts";

/** Waits until something is mounted at a directory; throws after ten seconds. */
export async function waitForMount(directory: string): Promise<void> {
  for (let tries = 0; tries < 100; tries++) {
    if (isMounted(directory)) return;
    await setTimeout(100);
  }
  throw new Error(`Nothing was mounted at ${directory}`);
}

/** Ends a mount, whether it is still used or not. Meanwhile this process, which may be the server behind it, goes on answering. */
export async function removeMount(directory: string): Promise<void> {
  for (let tries = 0; tries < 20 && isMounted(directory); tries++) {
    await runClient("umount", tries < 5 ? ["-i", directory] : ["-i", "-l", directory]);
    if (isMounted(directory)) await setTimeout(100);
  }
}

function isMounted(directory: string): boolean {
  const written = directory.replaceAll(" ", "\\040");
  return readFileSync("/proc/mounts", "utf8")
    .split("\n")
    .some((line) => line.split(" ")[1] === written);
}
