import { HoldfastError } from "#shared/errors.ts";
import { entryTypes } from "#shared/format/entry.ts";
import { relativeTo } from "#shared/snapshot/snapshot-tree.ts";
import { childPositions, keyAt } from "#shared/tree/entry-positions.ts";
import { readEntries } from "#shared/tree/read-tree.ts";
import type { Located } from "./located.ts";
import type { ViewEntry } from "./view.ts";

/** A part of a directory, and how many entries all of it has. */
export type ListWindow = { readonly total: number; readonly entries: readonly ViewEntry[] };

/**
 * `limit` entries of a directory from number `offset` on, in the order of names or the reverse. Reads O(limit) entries and a few nodes,
 * however large the directory is; of one that shows only in part, all.
 *
 * @throws {HoldfastError} invalid: it is no directory
 */
export async function listWindow(
  located: Located,
  options: { readonly offset: number; readonly limit: number; readonly reverse: boolean },
): Promise<ListWindow> {
  const { tree, place, showsAll } = located;
  const { offset, limit, reverse } = options;
  if (place.entry.type !== entryTypes.directory)
    throw new HoldfastError("invalid", "Cannot list it: it is no directory");
  if (place.source === undefined || !showsAll) {
    const all: ViewEntry[] = [];
    for await (const child of tree.list(place)) if (located.shows(child.path)) all.push(located.shown(child));
    if (reverse) all.reverse();
    return { total: all.length, entries: all.slice(offset, offset + limit) };
  }
  const { root } = place.source;
  const dir = relativeTo(root, place.path);
  const { start, end } = await childPositions(place.source.tree, tree.readNode, dir);
  const total = end - start;
  const count = Math.max(0, Math.min(limit, total - offset));
  if (count === 0) return { total, entries: [] };
  const first = start + (reverse ? total - offset - count : offset);
  const from = await keyAt(place.source.tree, tree.readNode, first);
  const entries: ViewEntry[] = [];
  const base = place.path === "/" ? "" : place.path;
  for await (const entry of readEntries(place.source.tree, tree.readNode, from)) {
    entries.push(located.shown({ path: `${base}/${entry.name}`, entry, source: place.source }));
    if (entries.length === count) break;
  }
  return { total, entries: reverse ? entries.toReversed() : entries };
}
