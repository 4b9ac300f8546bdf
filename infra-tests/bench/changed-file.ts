import { appendFileSync, readFileSync, readdirSync, statSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { HoldfastError } from "#shared/errors.ts";

/** A file that was changed, and the way back. */
export type ChangedFile = { readonly path: string; restore(): void };

/**
 * Appends one line to one file of the tree: the first regular file of at least 1 KiB, by name, nearest to the root.
 *
 * `restore` writes the old contents and times back. Errors: `invalid` when the tree holds no such file.
 */
export function changeOneFile(tree: string): ChangedFile {
  const pending = [tree];
  for (let directory = pending.shift(); directory !== undefined; directory = pending.shift()) {
    for (const entry of readdirSync(directory, { withFileTypes: true }).toSorted((a, b) =>
      a.name < b.name ? -1 : 1,
    )) {
      const path = join(directory, entry.name);
      if (entry.isDirectory()) pending.push(path);
      if (!entry.isFile()) continue;
      const { size, atime, mtime } = statSync(path);
      if (size < 1024) continue;
      const before = readFileSync(path);
      appendFileSync(path, "one more line\n");
      return {
        path,
        restore() {
          writeFileSync(path, before);
          utimesSync(path, atime, mtime);
        },
      };
    }
  }
  throw new HoldfastError("invalid", `Cannot change a file of ${tree}: it holds none of 1 KiB or more.`);
}
