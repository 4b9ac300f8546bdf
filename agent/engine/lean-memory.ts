import { createRequire } from "node:module";
import type koffiModule from "koffi";
import { setFlagsFromString } from "node:v8";

/** Resident bytes above which freed memory is given back. */
const trimAboveBytes = 300 * 1024 * 1024;
const everyMs = 250;

/**
 * Keeps the process small while `work` runs, which may take hours beside what the host is for.
 *
 * New objects get a nursery that does not grow any more: with a thread for each core, nurseries of their default size hold hundreds of
 * megabytes. And memory that was freed is given back to the system four times a second, once there is much of it: glibc keeps
 * an arena for each thread and hardly ever returns what large buffers have freed there.
 *
 * A short run comes to neither: compiled code that was kept counts only for the flags of V8 that it was kept under, so where they are
 * changed everything that is still to be loaded is compiled anew, Node's own modules too.
 */
export async function leanMemory<Result>(work: () => Promise<Result>): Promise<Result> {
  let isLimited = false;
  const timer = setInterval(() => {
    if (!isLimited) setFlagsFromString("--semi-space-growth-factor=1");
    isLimited = true;
    if (process.memoryUsage.rss() > trimAboveBytes) giveMemoryBack();
  }, everyMs);
  timer.unref();
  try {
    return await work();
  } finally {
    clearInterval(timer);
    // As it was when V8 started, for the code that is kept at the end.
    if (isLimited) setFlagsFromString("--semi-space-growth-factor=2");
  }
}

let trim: ((padBytes: number) => number) | undefined | "unknown" = "unknown";

/** Gives memory that was freed back to the system. */
export function giveMemoryBack(): void {
  if (trim === "unknown") trim = glibcTrim();
  trim?.(0);
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
