import { compareEntryKeys, comparePaths, type Entry } from "#shared/format/entry.ts";
import type { TreeRoot } from "#shared/format/snapshot.ts";
import { idToBytes } from "#shared/format/ids.ts";
import { isBelow, type ReadNode, type TreeKey } from "./read-tree.ts";

/** What a search of several trees looks for. */
export type TreeSearch = {
  /** Whether a name (a binary string) is looked for. */
  readonly matches: (name: string) => boolean;
  /** Asked before a node is read; false leaves it out, with all below it. */
  readonly isWanted: (nodeId: Uint8Array) => boolean;
  /** Told of the entries that were looked at or left out. */
  readonly onLooked?: ((entries: number) => void) | undefined;
};

/** The entries below `dir` (itself not included) whose names are looked for, in the order of keys. Throws as `ReadNode`. */
export async function* searchTree(
  root: TreeRoot,
  readNode: ReadNode,
  dir: string,
  search: TreeSearch,
): AsyncGenerator<Entry> {
  yield* searchNode(idToBytes(root.nodeId), root.entries, undefined, readNode, dir, search);
}

async function* searchNode(
  nodeId: Uint8Array,
  entries: number,
  before: TreeKey | undefined,
  readNode: ReadNode,
  dir: string,
  search: TreeSearch,
): AsyncGenerator<Entry> {
  if (!search.isWanted(nodeId)) {
    search.onLooked?.(entries);
    return;
  }
  const node = await readNode(nodeId);
  if ("entries" in node) {
    search.onLooked?.(entries);
    for (const entry of node.entries) {
      if (entry.name !== "" && isBelow(entry.dir, dir) && search.matches(entry.name)) yield entry;
    }
    return;
  }
  let after = before;
  for (const child of node.children) {
    const isBehind = after !== undefined && comparePaths(after.dir, dir) > 0 && !isBelow(after.dir, dir);
    if (isBehind) return;
    if (compareEntryKeys(child.lastDir, child.lastName, dir, "") >= 0) {
      yield* searchNode(child.nodeId, child.entries, after, readNode, dir, search);
    }
    after = { dir: child.lastDir, name: child.lastName };
  }
}
