import { lstatSync, readdirSync } from "node:fs";
import { join } from "node:path";

/** What a directory tree holds. */
export type TreeSize = {
  /** Sum of the sizes of regular files, in bytes as `stat` tells them (not blocks). */
  readonly sizeBytes: number;
  readonly files: number;
  /** All entries below the directory, files included. */
  readonly entries: number;
};

/** Counts a directory tree without following symbolic links. */
export function treeSize(directory: string): TreeSize {
  let sizeBytes = 0;
  let files = 0;
  let entries = 0;
  const pending = [directory];
  for (let path = pending.pop(); path !== undefined; path = pending.pop()) {
    for (const entry of readdirSync(path, { withFileTypes: true })) {
      entries += 1;
      const child = join(path, entry.name);
      if (entry.isDirectory()) pending.push(child);
      else if (entry.isFile()) {
        files += 1;
        sizeBytes += lstatSync(child).size;
      }
    }
  }
  return { sizeBytes, files, entries };
}
