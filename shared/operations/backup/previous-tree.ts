import { compareEntryKeys, type Entry } from "#shared/format/entry.ts";
import type { TreeChild } from "#shared/format/tree-node.ts";
import type { TreeRoot } from "#shared/format/snapshot.ts";
import { type ReadNode, readLeaves, type TreeLeaf } from "#shared/tree/read-tree.ts";

/**
 * Walks the tree of the previous snapshot beside a scan in the same order, one leaf in memory.
 *
 * `seek` is called with each key of the scan in turn; where it returns undefined and `needsLeaf` is set, `nextLeaf` must be
 * awaited first and `seek` called again.
 */
export class PreviousTree {
  readonly #leaves: AsyncGenerator<TreeLeaf> | undefined;
  /** The least key that is still of interest. */
  readonly #from = { dir: "", name: "" };
  #leaf: TreeLeaf | undefined;
  #next = 0;
  #ended: boolean;
  /** The leaf whose entries have all been found so far, from its first on; undefined once one was passed over. */
  #wholeLeaf: TreeChild | undefined;

  constructor(root: TreeRoot | undefined, readNode: ReadNode) {
    this.#leaves = root === undefined ? undefined : readLeaves(root, readNode, this.#from);
    this.#ended = root === undefined;
  }

  /** Whether the leaf at hand is used up and another may follow. */
  get needsLeaf(): boolean {
    return !this.#ended && (this.#leaf === undefined || this.#next >= this.#leaf.entries.length);
  }

  /** Takes the next leaf at hand. */
  async nextLeaf(): Promise<void> {
    const next = await this.#leaves?.next();
    if (next === undefined || next.done === true) {
      this.#ended = true;
      this.#leaf = undefined;
      return;
    }
    this.#leaf = next.value;
    this.#next = 0;
    this.#wholeLeaf = next.value.child;
  }

  /**
   * The entry with that key, if the previous tree has it; entries with lesser keys are passed over.
   *
   * Keys must ascend from call to call.
   */
  seek(dir: string, name: string): Entry | undefined {
    const entries = this.#leaf?.entries;
    while (entries !== undefined && this.#next < entries.length) {
      const entry = entries[this.#next];
      if (entry === undefined) return undefined;
      const order = compareEntryKeys(entry.dir, entry.name, dir, name);
      if (order > 0) {
        this.#wholeLeaf = undefined;
        return undefined;
      }
      this.#next++;
      if (order === 0) return entry;
      this.#wholeLeaf = undefined;
    }
    return undefined;
  }

  /** Passes over everything up to a key, without reading what lies wholly before it. */
  skipTo(lastDir: string, lastName: string): void {
    this.#from.dir = lastDir;
    // No key lies between a name and the same with a NUL, which no name holds.
    this.#from.name = `${lastName}\0`;
    this.#leaf = undefined;
    this.#wholeLeaf = undefined;
  }

  /** Ends the walk: the rest of the previous tree counts as not there. */
  stop(): void {
    this.#ended = true;
    this.#leaf = undefined;
    this.#wholeLeaf = undefined;
  }

  /** Tells that the entry just found is not used as it is. */
  breakLeaf(): void {
    this.#wholeLeaf = undefined;
  }

  /** Whether the entry just found is the first of its leaf. */
  get atFirst(): boolean {
    return this.#next === 1;
  }

  /** The leaf, when the entry just found was its last and all of them were found and nothing else between them. */
  get finishedLeaf(): TreeChild | undefined {
    return this.#leaf !== undefined && this.#next === this.#leaf.entries.length ? this.#wholeLeaf : undefined;
  }

  /** Whether all entries of the leaf so far were found. */
  get whole(): boolean {
    return this.#wholeLeaf !== undefined;
  }
}
