import { HoldfastError } from "#shared/errors.ts";
import { compareEntryKeys, type Entry } from "#shared/format/entry.ts";
import { LeafWriter } from "#shared/format/leaf-writer.ts";
import { encodeInnerNode, type TreeChild } from "#shared/format/tree-node.ts";
import { idFromBytes } from "#shared/format/ids.ts";
import type { TreeRoot } from "#shared/format/snapshot.ts";
import { isBorder, treeNodeItemsMax } from "./is-border.ts";

/** Encoded bytes after which a leaf is closed whatever its keys. */
const leafBytesMax = 1024 * 1024;

/**
 * Builds a tree from entries in key order, bottom up, holding one open node per level.
 *
 * `writeNode` stores a node's bytes (valid during the call only) and returns its blob id, 32 bytes. `onLeaf` is told of each leaf that was built of
 * entries, `onInner` of each node above the leaves.
 */
export class TreeBuilder {
  readonly #writeNode: (bytes: Uint8Array) => Uint8Array;
  readonly #onLeaf: ((leaf: TreeChild) => void) | undefined;
  readonly #onInner: ((nodeId: Uint8Array) => void) | undefined;
  readonly #leaf = new LeafWriter();
  readonly #levels: TreeChild[][] = [];
  #lastDir = "";
  #lastName = "";
  #entries = 0;
  #totalBytes = 0;
  #empty = true;

  constructor(
    writeNode: (bytes: Uint8Array) => Uint8Array,
    told: { readonly onLeaf?: (leaf: TreeChild) => void; readonly onInner?: (nodeId: Uint8Array) => void } = {},
  ) {
    this.#writeNode = writeNode;
    this.#onLeaf = told.onLeaf;
    this.#onInner = told.onInner;
  }

  /** Whether no leaf is open, so that a whole leaf of another tree may follow by `addLeaf`. */
  get atLeafStart(): boolean {
    return this.#leaf.count === 0;
  }

  /** Adds the next entry. @throws {HoldfastError} internal: it is not greater than the one before */
  add(entry: Entry): void {
    this.#advance(entry.dir, entry.name);
    this.#leaf.add(entry);
    this.#entries++;
    this.#totalBytes = addTotal(this.#totalBytes, entry.size);
    if (
      isBorder(entry.dir, entry.name, 0) ||
      this.#leaf.count >= treeNodeItemsMax ||
      this.#leaf.bytes >= leafBytesMax
    ) {
      this.#closeLeaf();
    }
  }

  /** Adds a leaf that is already stored. Only where `atLeafStart`, and with entries greater than all before. */
  addLeaf(child: TreeChild): void {
    if (!this.atLeafStart) throw new HoldfastError("internal", "Cannot add a whole leaf inside another");
    this.#lastDir = child.lastDir;
    this.#lastName = child.lastName;
    this.#empty = false;
    this.#push(0, child);
  }

  /** Closes all nodes. @returns the root; @throws {HoldfastError} internal: no entry was added */
  finish(): TreeRoot {
    if (this.#empty) throw new HoldfastError("internal", "Cannot finish a tree without entries");
    if (this.#leaf.count > 0) this.#closeLeaf();
    for (let level = 0; ; level++) {
      const children = this.#levels[level] ?? [];
      const only = children[0];
      if (children.length === 1 && only !== undefined && this.#levels.length === level + 1) {
        return {
          nodeId: idFromBytes("blob", only.nodeId),
          level,
          entries: only.entries,
          totalBytes: only.totalBytes,
        };
      }
      if (children.length > 0) this.#closeInner(level);
    }
  }

  #advance(dir: string, name: string): void {
    if (!this.#empty && compareEntryKeys(this.#lastDir, this.#lastName, dir, name) >= 0) {
      throw new HoldfastError("internal", "Cannot add an entry that is not greater than the one before");
    }
    this.#empty = false;
    this.#lastDir = dir;
    this.#lastName = name;
  }

  #closeLeaf(): void {
    const nodeId = this.#writeNode(this.#leaf.finish());
    const child = {
      nodeId,
      lastDir: this.#lastDir,
      lastName: this.#lastName,
      entries: this.#entries,
      totalBytes: this.#totalBytes,
    };
    this.#entries = 0;
    this.#totalBytes = 0;
    this.#onLeaf?.(child);
    this.#push(0, child);
  }

  #push(level: number, child: TreeChild): void {
    const children = (this.#levels[level] ??= []);
    children.push(child);
    if (isBorder(child.lastDir, child.lastName, level + 1) || children.length >= treeNodeItemsMax)
      this.#closeInner(level);
  }

  #closeInner(level: number): void {
    const children = this.#levels[level] ?? [];
    const last = children.at(-1);
    if (last === undefined) return;
    this.#levels[level] = [];
    const nodeId = this.#writeNode(encodeInnerNode(level + 1, children));
    this.#onInner?.(nodeId);
    let entries = 0;
    let totalBytes = 0;
    for (const child of children) {
      entries += child.entries;
      totalBytes = addTotal(totalBytes, child.totalBytes);
    }
    this.#push(level + 1, { nodeId, lastDir: last.lastDir, lastName: last.lastName, entries, totalBytes });
  }
}

/** A sum of sizes; what is beyond the largest integer of the format stays at that. */
function addTotal(left: number, right: number): number {
  return Math.min(left + right, Number.MAX_SAFE_INTEGER);
}
