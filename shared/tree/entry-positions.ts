import { compareEntryKeys } from "#shared/format/entry.ts";
import type { TreeRoot } from "#shared/format/snapshot.ts";
import { idToBytes } from "#shared/format/ids.ts";
import type { ReadNode, TreeKey } from "./read-tree.ts";

/** Entries of a tree from number `start` up to, not including, `end`, counted from 0 in the order of keys. */
export type EntryPositions = { readonly start: number; readonly end: number };

/** Where the children of a directory (relative to the tree's root) stand. Reads two nodes a level, however many there are. */
export async function childPositions(root: TreeRoot, readNode: ReadNode, dir: string): Promise<EntryPositions> {
  const start = await entriesBefore(root, readNode, { dir, name: "\0" }); // greater than the root's own "", less than any name
  const end = await entriesBefore(root, readNode, { dir, name: "\u{ffff}" }); // names are of chars up to 0xff
  return { start, end };
}

/** How many entries of a tree have a key less than `key`. Reads one node a level. */
export async function entriesBefore(root: TreeRoot, readNode: ReadNode, key: TreeKey): Promise<number> {
  let nodeId: Uint8Array = idToBytes(root.nodeId);
  let before = 0;
  for (;;) {
    const node = await readNode(nodeId);
    if ("entries" in node) {
      const index = node.entries.findIndex((entry) => !isLess(entry.dir, entry.name, key));
      return before + (index < 0 ? node.entries.length : index);
    }
    const next = node.children.findIndex((child) => !isLess(child.lastDir, child.lastName, key));
    const passed = next < 0 ? node.children : node.children.slice(0, next);
    for (const child of passed) before += child.entries;
    const child = node.children[next];
    if (child === undefined) return before;
    nodeId = child.nodeId;
  }
}

/** The key of entry number `position`, from which `readEntries` goes on; undefined: the tree has fewer. Reads one node a level. */
export async function keyAt(root: TreeRoot, readNode: ReadNode, position: number): Promise<TreeKey | undefined> {
  let nodeId: Uint8Array = idToBytes(root.nodeId);
  let left = position;
  for (;;) {
    const node = await readNode(nodeId);
    if ("entries" in node) return node.entries[left];
    let next: Uint8Array | undefined;
    for (const child of node.children) {
      if (left < child.entries) {
        next = child.nodeId;
        break;
      }
      left -= child.entries;
    }
    if (next === undefined) return undefined;
    nodeId = next;
  }
}

function isLess(dir: string, name: string, key: TreeKey): boolean {
  return compareEntryKeys(dir, name, key.dir, key.name) < 0;
}
