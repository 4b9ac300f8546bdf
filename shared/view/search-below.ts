import { entryPath, entryTypes } from "#shared/format/entry.ts";
import { relativeTo } from "#shared/snapshot/snapshot-tree.ts";
import { searchTree } from "#shared/tree/search-tree.ts";
import type { Located } from "./located.ts";
import type { ViewEntry } from "./view.ts";

/** Nodes that a search remembers; beyond that it looks into some twice. */
const seenNodesMax = 300_000;

/** What a search of one or several snapshots looks for, and where it has been. */
export class NameSearch {
  readonly matches: (name: string) => boolean;
  /** Entries that were looked at, or known from a snapshot before. */
  lookedAt = 0;
  /** Called as `lookedAt` grows; what it throws ends the search. */
  onLooked: (() => void) | undefined;
  readonly #seen = new Set<string>();

  /** @param matches - whether a name, a binary string, is looked for */
  constructor(matches: (name: string) => boolean) {
    this.matches = matches;
  }

  /** Whether the node of a tree below `root` is met for the first time. */
  isNew(root: string, nodeId: Uint8Array): boolean {
    const name = `${Buffer.from(nodeId).toString("latin1")}${root}`;
    if (this.#seen.has(name)) return false;
    if (this.#seen.size < seenNodesMax) this.#seen.add(name);
    return true;
  }
}

/**
 * The entries below a place whose names a search looks for. What an earlier snapshot of the same search had in the same nodes is left out: a
 * search of many snapshots costs one tree and the changes.
 */
export async function* searchBelow(located: Located, search: NameSearch): AsyncGenerator<ViewEntry> {
  const { tree, place } = located;
  if (place.entry.type !== entryTypes.directory) return;
  if (place.source === undefined) {
    for await (const child of tree.list(place)) {
      if (!located.shows(child.path)) continue;
      if (search.matches(child.entry.name)) yield located.shown(child);
      yield* searchBelow({ ...located, place: child }, search);
    }
    return;
  }
  const { source } = place;
  const base = source.root === "/" ? "" : source.root;
  const found = searchTree(source.tree, tree.readNode, relativeTo(source.root, place.path), {
    matches: search.matches,
    isWanted: (nodeId) => search.isNew(source.root, nodeId),
    onLooked(entries) {
      search.lookedAt += entries;
      search.onLooked?.();
    },
  });
  for await (const entry of found) {
    const path = `${base}/${entryPath(entry)}`;
    if (located.shows(path)) yield located.shown({ path, entry, source });
  }
}
