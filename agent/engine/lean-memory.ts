import { createRequire } from "node:module";
import type koffiModule from "koffi";
import { setFlagsFromString } from "node:v8";

/** Resident bytes above which freed memory is given back. */
const trimAboveBytes = 300 * 1024 * 1024;
const everyMs = 500;

/**
 * Keeps the process small while `work` runs, which may take hours beside what the host is for.
 *
 * New objects get a nursery that does not grow: with a thread for each core, nurseries of their default size hold hundreds of
 * megabytes. And memory that was freed is given back to the system twice a second: glibc keeps an arena for each thread and
 * hardly ever returns what large buffers have freed there.
 */
export async function leanMemory<Result>(work: () => Promise<Result>): Promise<Result> {
  setFlagsFromString("--semi-space-growth-factor=1");
  const trim = glibcTrim();
  const timer = setInterval(() => {
    if (process.memoryUsage.rss() > trimAboveBytes) trim?.(0);
  }, everyMs);
  timer.unref();
  try {
    return await work();
  } finally {
    clearInterval(timer);
  }
}

/** `malloc_trim`, which takes about 10 ms; undefined without koffi or where the C library is another one. */
function glibcTrim(): ((padBytes: number) => number) | undefined {
  if (process.platform !== "linux") return undefined;
  try {
    const koffi = createRequire(import.meta.url)("koffi") as typeof koffiModule;
    return koffi.load("libc.so.6").func("int malloc_trim(size_t)") as (padBytes: number) => number;
  } catch {
    return undefined;
  }
}
