import { closeSync, openSync, readdirSync, readSync } from "node:fs";
import { join } from "node:path";

/** Reads every regular file below `directory` once, so that all tools find it in the page cache. */
export function warmCache(directory: string): void {
  const buffer = Buffer.allocUnsafe(1 << 20);
  const pending = [directory];
  for (let path = pending.pop(); path !== undefined; path = pending.pop()) {
    for (const entry of readdirSync(path, { withFileTypes: true })) {
      const child = join(path, entry.name);
      if (entry.isDirectory()) pending.push(child);
      if (!entry.isFile()) continue;
      const descriptor = openSync(child, "r");
      try {
        while (readSync(descriptor, buffer, 0, buffer.length, null) > 0);
      } finally {
        closeSync(descriptor);
      }
    }
  }
}
