import type { Entry } from "#shared/format/entry.ts";
import type { TreeChild } from "#shared/format/tree-node.ts";
import type { TreeBuilder } from "#shared/tree/tree-builder.ts";
import { isBorder } from "#shared/tree/is-border.ts";
import type { KnownBlock } from "./known-leaves.ts";
import type { LeafRecorder } from "./leaf-recorder.ts";

/** Something that goes into the tree, in its turn, once it is ready. */
export type QueuedEntry = {
  readonly entry: Entry;
  /** The size that the entry has if it is as the scan told; -1 if it cannot be. */
  readonly scannedSize: number;
  /** Whether all of it is known; what comes after waits. */
  ready: boolean;
};

/** A leaf of the previous tree that may go into the new one as it is; its entries otherwise. */
type QueuedLeaf = { readonly child: TreeChild; readonly entries: readonly Entry[]; readonly ready: true };

/** A known block of the scan, whose leaves may go into the new tree as they are; its entries otherwise. */
export type QueuedBlock = {
  readonly number: number;
  readonly block: KnownBlock;
  readonly digest: Uint8Array;
  entries: readonly Entry[] | undefined;
  readonly ready: true;
};

/** The end of a block of the scan. */
type QueuedEnd = { readonly blockEnd: Uint8Array; readonly ready: true };

/**
 * Entries on their way to a tree builder, kept in order while threads finish them out of order.
 *
 * Memory: as many entries as the caller lets pile up; it reads `length`.
 */
export class EntryQueue {
  readonly #builder: TreeBuilder;
  readonly #recorder: LeafRecorder | undefined;
  /** What was taken out leaves undefined behind, so that it is not kept alive. */
  readonly #items: (QueuedEntry | QueuedLeaf | QueuedBlock | QueuedEnd | undefined)[] = [];
  #head = 0;

  /** @param recorder - told of all that goes into the tree, but for leaves that the builder makes */
  constructor(builder: TreeBuilder, recorder?: LeafRecorder) {
    this.#builder = builder;
    this.#recorder = recorder;
  }

  /** Items waiting. */
  get length(): number {
    return this.#items.length - this.#head;
  }

  /** The item at the head, if it is a block whose leaves cannot be taken over: it waits for its `entries`. */
  get stuck(): QueuedBlock | undefined {
    const item = this.#items[this.#head];
    if (item === undefined || !("block" in item) || item.entries !== undefined) return undefined;
    return this.#builder.atLeafStart && (item.block.closed || this.length === 1) ? undefined : item;
  }

  /** Appends an entry. */
  add(entry: Entry, ready: boolean, scannedSize = entry.size): QueuedEntry {
    const item = { entry, scannedSize, ready };
    this.#items.push(item);
    return item;
  }

  /** Appends a whole leaf of the previous tree. */
  addLeaf(child: TreeChild, entries: readonly Entry[]): void {
    this.#items.push({ child, entries, ready: true });
  }

  /** Appends a known block. */
  addBlock(number: number, block: KnownBlock, digest: Uint8Array): void {
    this.#items.push({ number, block, digest, entries: undefined, ready: true });
  }

  /** Tells that the block of the scan ends here that has this digest. */
  endBlock(digest: Uint8Array): void {
    if (this.#recorder !== undefined) this.#items.push({ blockEnd: digest, ready: true });
  }

  /** Moves what is ready at the head into the tree. @param more - whether something may be appended still */
  drain(more: "open" | "ended" = "open"): void {
    while (this.#head < this.#items.length) {
      const item = this.#items[this.#head];
      if (item === undefined || !item.ready || ("block" in item && !this.#isPlaceable(item, more))) break;
      this.#items[this.#head++] = undefined;
      if ("entry" in item) this.#placeEntry(item.entry, item.entry.size === item.scannedSize);
      else if ("child" in item) this.#placeLeaf(item);
      else if ("block" in item) this.#placeBlock(item);
      else this.#recorder?.endBlock(item.blockEnd, this.#builder.atLeafStart);
    }
    if (this.#head * 2 > this.#items.length) {
      this.#items.splice(0, this.#head);
      this.#head = 0;
    }
  }

  #placeEntry(entry: Entry, isSettled: boolean): void {
    // Before the builder, which may tell of the leaf that the entry ends.
    this.#recorder?.addEntry(entry, isSettled);
    this.#builder.add(entry);
  }

  /** A leaf stays whole where it begins a node here too and its end is a border whatever follows. */
  #placeLeaf(leaf: QueuedLeaf): void {
    if (!this.#builder.atLeafStart || !isBorder(leaf.child.lastDir, leaf.child.lastName, 0)) {
      for (const entry of leaf.entries) this.#placeEntry(entry, true);
      return;
    }
    if (this.#recorder !== undefined) {
      for (const entry of leaf.entries) this.#recorder.addEntry(entry, true);
      this.#recorder.addLeaf(leaf.child);
    }
    this.#builder.addLeaf(leaf.child);
  }

  /** Whether the block's entries are there, or its leaves stay whole: they begin a node here too, and their end is one whatever follows, or nothing does. */
  #isPlaceable({ block, entries }: QueuedBlock, more: "open" | "ended"): boolean {
    if (entries !== undefined) return true;
    return this.#builder.atLeafStart && (block.closed || (more === "ended" && this.length === 1));
  }

  #placeBlock({ number, block, digest, entries }: QueuedBlock): void {
    if (entries === undefined) {
      for (const leaf of block.leaves) this.#builder.addLeaf(leaf);
      this.#recorder?.keep(number);
    } else {
      for (const entry of entries) this.#placeEntry(entry, true);
      this.#recorder?.endBlock(digest, this.#builder.atLeafStart);
    }
  }
}
