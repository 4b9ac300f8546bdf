import { HoldfastError, isHoldfastError } from "#shared/errors.ts";
import { compareEntryKeys, type Entry } from "#shared/format/entry.ts";
import type { TreeChild, TreeNode } from "#shared/format/tree-node.ts";
import type { TreeRoot } from "#shared/format/snapshot.ts";
import { type BlobId, idToBytes } from "#shared/format/ids.ts";

/** Fetches, verifies and decodes the node with a blob id of 32 bytes. */
export type ReadNode = (nodeId: Uint8Array) => Promise<TreeNode>;

/** A leaf and how its parent refers to it. */
export type TreeLeaf = { readonly child: TreeChild; readonly entries: readonly Entry[] };

/** Entries that cannot be read because a node is damaged, or gone with its snapshot. */
export type LostEntries = {
  /** The key of the last of them. */
  readonly last: TreeKey;
  readonly entries: number;
  readonly totalBytes: number;
  readonly error: HoldfastError;
};

/** How a tree is read. */
export type ReadOptions = {
  /** Told of each node that is damaged or gone, whose entries are then left out. Without it damage ends the reading. */
  readonly onLost?: ((lost: LostEntries) => void) | undefined;
};

/** A key from which to read: everything less is passed over. */
export type TreeKey = { readonly dir: string; readonly name: string };

/**
 * The leaves of a tree in order, from the one that holds the first key not less than `from`.
 *
 * Inner nodes that lie before are not fetched. Holds one node per level.
 *
 * @throws {HoldfastError} corrupt or incompatible: a node is damaged, and `onLost` is not given
 */
export async function* readLeaves(
  root: TreeRoot,
  readNode: ReadNode,
  from: TreeKey = { dir: "", name: "" },
  options: ReadOptions = {},
): AsyncGenerator<TreeLeaf> {
  const child = {
    nodeId: idToBytes(root.nodeId),
    lastDir: "",
    lastName: "",
    entries: root.entries,
    totalBytes: root.totalBytes,
  };
  yield* leavesBelow(child, root.level, readNode, from, options.onLost);
}

async function* leavesBelow(
  child: TreeChild,
  level: number,
  readNode: ReadNode,
  from: TreeKey,
  onLost: ReadOptions["onLost"],
): AsyncGenerator<TreeLeaf> {
  let node: TreeNode;
  try {
    node = await readNode(child.nodeId);
    if (node.level !== level)
      throw new HoldfastError("corrupt", "Cannot read a tree: a node has another level than its parent says");
  } catch (error) {
    if (onLost === undefined || !isHoldfastError(error, "absent", "corrupt", "incompatible")) throw error;
    onLost({
      last: { dir: child.lastDir, name: child.lastName },
      entries: child.entries,
      totalBytes: child.totalBytes,
      error,
    });
    return;
  }
  if ("entries" in node) {
    const last = node.entries.at(-1);
    yield last === undefined
      ? { child, entries: node.entries }
      : { child: { ...child, lastDir: last.dir, lastName: last.name }, entries: node.entries };
    return;
  }
  for (const each of node.children) {
    if (compareEntryKeys(each.lastDir, each.lastName, from.dir, from.name) >= 0)
      yield* leavesBelow(each, level - 1, readNode, from, onLost);
  }
}

/** The entries of a tree in order, from the first whose key is not less than `from`. Throws as `readLeaves`. */
export async function* readEntries(
  root: TreeRoot,
  readNode: ReadNode,
  from: TreeKey = { dir: "", name: "" },
  options: ReadOptions = {},
): AsyncGenerator<Entry> {
  for await (const leaf of readLeaves(root, readNode, from, options)) {
    for (const entry of leaf.entries) {
      if (compareEntryKeys(entry.dir, entry.name, from.dir, from.name) >= 0) yield entry;
    }
  }
}

/** The entry with a path relative to the tree's root ("" is the root itself), or undefined. */
export async function findEntry(root: TreeRoot, readNode: ReadNode, path: string): Promise<Entry | undefined> {
  const slash = path.lastIndexOf("/");
  const dir = slash < 0 ? "" : path.slice(0, slash);
  const name = path.slice(slash + 1);
  for await (const entry of readEntries(root, readNode, { dir, name })) {
    return entry.dir === dir && entry.name === name ? entry : undefined;
  }
  return undefined;
}

/** The children of a directory in order of their names, from the first greater than `after`. */
export async function* readDirectory(
  root: TreeRoot,
  readNode: ReadNode,
  dir: string,
  after = "",
): AsyncGenerator<Entry> {
  for await (const entry of readEntries(root, readNode, { dir, name: after })) {
    if (entry.dir !== dir) return;
    if (entry.name !== "" && entry.name > after) yield entry;
  }
}

/** Everything below a directory, itself not included, in key order. Throws as `readLeaves`. */
export async function* readSubtree(
  root: TreeRoot,
  readNode: ReadNode,
  dir: string,
  options: ReadOptions = {},
): AsyncGenerator<Entry> {
  for await (const entry of readEntries(root, readNode, { dir, name: "" }, options)) {
    if (!isBelow(entry.dir, dir)) return;
    if (entry.name !== "") yield entry;
  }
}

/** Whether `path` is `dir` or lies below it. */
export function isBelow(path: string, dir: string): boolean {
  return dir === "" || path === dir || (path.startsWith(dir) && path.charCodeAt(dir.length) === 0x2f);
}

/**
 * How many entries lie below a directory and the sum of their sizes, from the totals that inner nodes hold: reads only the
 * nodes at the two ends.
 */
export async function subtreeTotals(
  root: TreeRoot,
  readNode: ReadNode,
  dir: string,
): Promise<{ entries: number; totalBytes: number }> {
  const totals = { entries: 0, totalBytes: 0 };
  await addTotals(idToBytes(root.nodeId), undefined, readNode, dir, totals);
  return totals;
}

async function addTotals(
  nodeId: Uint8Array,
  before: TreeKey | undefined,
  readNode: ReadNode,
  dir: string,
  totals: { entries: number; totalBytes: number },
): Promise<void> {
  const node = await readNode(nodeId);
  if ("entries" in node) {
    for (const entry of node.entries) {
      if (entry.name === "" || !isBelow(entry.dir, dir)) continue;
      totals.entries++;
      totals.totalBytes += entry.size;
    }
    return;
  }
  let previous = before;
  for (const child of node.children) {
    const reaches = compareEntryKeys(child.lastDir, child.lastName, dir, "") >= 0;
    const beginsInside =
      previous !== undefined &&
      compareEntryKeys(previous.dir, previous.name, dir, "") >= 0 &&
      isBelow(previous.dir, dir);
    if (beginsInside && isBelow(child.lastDir, dir)) {
      totals.entries += child.entries;
      totals.totalBytes += child.totalBytes;
    } else if (reaches) {
      await addTotals(child.nodeId, previous, readNode, dir, totals);
      if (!isBelow(child.lastDir, dir)) return;
    }
    previous = { dir: child.lastDir, name: child.lastName };
  }
}

/** The id of a node as text, for messages. */
export function nodeName(nodeId: Uint8Array): BlobId {
  return Buffer.from(nodeId).toString("hex") as BlobId;
}
