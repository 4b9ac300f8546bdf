import type { Entry } from "#shared/format/entry.ts";
import type { TreeChild } from "#shared/format/tree-node.ts";
import type { TreeBuilder } from "#shared/tree/tree-builder.ts";
import { isBorder } from "#shared/tree/is-border.ts";

/** Something that goes into the tree, in its turn, once it is ready. */
export type QueuedEntry = {
  readonly entry: Entry;
  /** Whether all of it is known; what comes after waits. */
  ready: boolean;
};

/** A leaf of the previous tree that may go into the new one as it is; its entries otherwise. */
type QueuedLeaf = { readonly child: TreeChild; readonly entries: readonly Entry[]; readonly ready: true };

/**
 * Entries on their way to a tree builder, kept in order while threads finish them out of order.
 *
 * Memory: as many entries as the caller lets pile up; it reads `length`.
 */
export class EntryQueue {
  readonly #builder: TreeBuilder;
  /** What was taken out leaves undefined behind, so that it is not kept alive. */
  readonly #items: (QueuedEntry | QueuedLeaf | undefined)[] = [];
  #head = 0;

  constructor(builder: TreeBuilder) {
    this.#builder = builder;
  }

  /** Items waiting. */
  get length(): number {
    return this.#items.length - this.#head;
  }

  /** Appends an entry. */
  add(entry: Entry, ready: boolean): QueuedEntry {
    const item = { entry, ready };
    this.#items.push(item);
    return item;
  }

  /** Appends a whole leaf of the previous tree. */
  addLeaf(child: TreeChild, entries: readonly Entry[]): void {
    this.#items.push({ child, entries, ready: true });
  }

  /** Moves what is ready at the head into the tree. */
  drain(): void {
    while (this.#head < this.#items.length) {
      const item = this.#items[this.#head];
      if (item === undefined || !item.ready) break;
      this.#items[this.#head++] = undefined;
      if ("entry" in item) this.#builder.add(item.entry);
      else this.#placeLeaf(item);
    }
    if (this.#head * 2 > this.#items.length) {
      this.#items.splice(0, this.#head);
      this.#head = 0;
    }
  }

  /** A leaf stays whole where it begins a node here too and its end is a border whatever follows. */
  #placeLeaf(leaf: QueuedLeaf): void {
    if (this.#builder.atLeafStart && isBorder(leaf.child.lastDir, leaf.child.lastName, 0))
      this.#builder.addLeaf(leaf.child);
    else for (const entry of leaf.entries) this.#builder.add(entry);
  }
}
