import type { View, ViewEntry } from "#shared/view/view.ts";
import { findEntry } from "#gateway/paths/find-entry.ts";
import { decodeKey, keyFromXml } from "./object-key.ts";

/**
 * The entry that a key names, as listings of either kind write it. Undefined: none.
 *
 * @param root - the directory of the bucket
 * @param key - with the slash before it, a binary string
 */
export async function findKey(view: View, root: string, key: string): Promise<ViewEntry | undefined> {
  for (const written of new Set([key, keyFromXml(key)])) {
    const path = decodeKey(written);
    const entry = path === undefined ? undefined : await findEntry(view, (root === "/" ? "" : root) + path);
    if (entry !== undefined) return entry;
  }
  return undefined;
}

/** A prefix or marker of a client that asks for no encoding: the key that it means, unless there is one by its very letters. */
export async function keyMeant(view: View, root: string, written: string): Promise<string> {
  const meant = keyFromXml(written);
  if (meant === written) return written;
  const path = decodeKey(`/${written.replace(/\/$/, "")}`);
  const exact = path === undefined ? undefined : await findEntry(view, (root === "/" ? "" : root) + path);
  return exact === undefined ? meant : written;
}
