import { compareEntryKeys, comparePaths, type Entry } from "#shared/format/entry.ts";
import type { TreeRoot } from "#shared/format/snapshot.ts";
import { idToBytes } from "#shared/format/ids.ts";
import { isBelow, type ReadNode, type TreeKey } from "./read-tree.ts";

/** An entry that is in one of two trees only, or in both and was written in a node of its own in each. */
export type EntryPair =
  | { readonly left: Entry; readonly right: undefined }
  | { readonly left: undefined; readonly right: Entry }
  | { readonly left: Entry; readonly right: Entry };

/**
 * What lies below `dir` (itself not included) in two trees, in the order of keys, without what lies in nodes that both have: reads
 * O(differences) nodes. Pairs whose entries are alike are among the result: neighbours of what differs. Holds one node a level of each.
 *
 * Throws as `ReadNode`.
 */
export async function* diffTrees(
  left: TreeRoot,
  right: TreeRoot,
  readNode: ReadNode,
  dir = "",
): AsyncGenerator<EntryPair> {
  const one = new Frontier(left, readNode, dir);
  const other = new Frontier(right, readNode, dir);
  for (;;) {
    const a = one.first();
    const b = other.first();
    if (a === undefined && b === undefined) return;
    if (a === undefined || b === undefined) {
      const [side, item] = a === undefined ? ([other, b] as const) : ([one, a] as const);
      if (item?.kind === "node") await side.open();
      else if (item !== undefined) {
        side.take();
        yield a === undefined ? { left: undefined, right: item.entry } : { left: item.entry, right: undefined };
      }
    } else if (a.kind === "node" && b.kind === "node") {
      if (a.level === b.level && Buffer.compare(a.nodeId, b.nodeId) === 0) {
        one.take();
        other.take();
      } else {
        const ends = compareEnds(a.last, b.last);
        const opensLeft = a.level > b.level || (a.level === b.level && ends <= 0);
        const opensRight = b.level > a.level || (a.level === b.level && ends >= 0);
        if (opensLeft) await one.open();
        if (opensRight) await other.open();
      }
    } else if (a.kind === "entry" && b.kind === "entry") {
      const order = compareEntryKeys(a.entry.dir, a.entry.name, b.entry.dir, b.entry.name);
      if (order <= 0) one.take();
      if (order >= 0) other.take();
      if (order === 0) yield { left: a.entry, right: b.entry };
      else yield order < 0 ? { left: a.entry, right: undefined } : { left: undefined, right: b.entry };
    } else if (a.kind === "entry" && b.kind === "node") {
      if (isBefore(a.entry, b.after)) {
        one.take();
        yield { left: a.entry, right: undefined };
      } else await other.open();
    } else if (a.kind === "node" && b.kind === "entry") {
      if (isBefore(b.entry, a.after)) {
        other.take();
        yield { left: undefined, right: b.entry };
      } else await one.open();
    }
  }
}

/** A node that is not opened yet: it holds the keys greater than `after`, up to `last`; undefined: from the first, to the last. */
type ClosedNode = {
  readonly kind: "node";
  readonly nodeId: Uint8Array;
  readonly level: number;
  readonly after: TreeKey | undefined;
  readonly last: TreeKey | undefined;
};
type Item = ClosedNode | { readonly kind: "entry"; readonly entry: Entry };

/** What of a tree is still to be compared, the first last. */
class Frontier {
  readonly #items: Item[];
  readonly #readNode: ReadNode;
  readonly #dir: string;

  constructor(root: TreeRoot, readNode: ReadNode, dir: string) {
    this.#items = [
      { kind: "node", nodeId: idToBytes(root.nodeId), level: root.level, after: undefined, last: undefined },
    ];
    this.#readNode = readNode;
    this.#dir = dir;
  }

  first(): Item | undefined {
    return this.#items.at(-1);
  }

  take(): void {
    this.#items.pop();
  }

  /** Puts what the first node holds of the directory in its place. */
  async open(): Promise<void> {
    const opened = this.#items.pop();
    if (opened?.kind !== "node") return;
    const node = await this.#readNode(opened.nodeId);
    const inside: Item[] = [];
    if ("entries" in node) {
      for (const entry of node.entries) {
        if (entry.name !== "" && isBelow(entry.dir, this.#dir)) inside.push({ kind: "entry", entry });
      }
    } else {
      let { after } = opened;
      for (const { nodeId, lastDir, lastName } of node.children) {
        const last = { dir: lastDir, name: lastName };
        if (this.#reaches(after, last)) inside.push({ kind: "node", nodeId, level: node.level - 1, after, last });
        after = last;
      }
    }
    for (const item of inside.toReversed()) this.#items.push(item);
  }

  /** Whether a node with these ends can hold something below the directory. */
  #reaches(after: TreeKey | undefined, last: TreeKey): boolean {
    if (compareEntryKeys(last.dir, last.name, this.#dir, "") < 0) return false;
    return after === undefined || comparePaths(after.dir, this.#dir) < 0 || isBelow(after.dir, this.#dir);
  }
}

function isBefore(entry: Entry, after: TreeKey | undefined): boolean {
  return after !== undefined && compareEntryKeys(entry.dir, entry.name, after.dir, after.name) <= 0;
}

/** The order of the last keys of two nodes; a root's is beyond all. */
function compareEnds(left: TreeKey | undefined, right: TreeKey | undefined): number {
  if (left === undefined || right === undefined) return left === right ? 0 : left === undefined ? 1 : -1;
  return compareEntryKeys(left.dir, left.name, right.dir, right.name);
}
