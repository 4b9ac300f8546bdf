import { readdirSync, statSync } from "node:fs";
import { join } from "node:path";

/**
 * The objects of a directory store with their sizes, found by listing the directory, without what is being written (`tmp/`).
 *
 * @param prefix - only those whose key begins with it, such as `packs/`
 */
export function storedObjects(store: string, prefix = ""): Map<string, number> {
  const found = new Map<string, number>();
  for (const entry of readdirSync(store, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const path = join(entry.parentPath, entry.name);
    const key = path.slice(store.length + 1);
    if (!key.startsWith("tmp/") && key.startsWith(prefix)) found.set(key, statSync(path).size);
  }
  return found;
}

/** The bytes of objects together. */
export function totalBytes(objects: ReadonlyMap<string, number>): number {
  return [...objects.values()].reduce((sum, size) => sum + size, 0);
}
