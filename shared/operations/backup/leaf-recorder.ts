import { chunkRowBytes, type Entry } from "#shared/format/entry.ts";
import { type BlobId, idFromBytes } from "#shared/format/ids.ts";
import type { TreeChild } from "#shared/format/tree-node.ts";

/** A block as it came into the new tree; its segments by ordinal. */
export type RecordedBlock = {
  readonly digest: Uint8Array;
  readonly leaves: readonly TreeChild[];
  readonly closed: boolean;
  readonly segments: readonly number[];
};

/** A node above the leaves, and the ordinal of its segment. */
export type RecordedInner = { readonly nodeId: BlobId; readonly segment: number };

/** A block that was taken over, by its number among the known ones. */
export type KeptBlock = { readonly kept: number };

/** What of a tree may be remembered. */
export type RecordedTree = {
  readonly blocks: readonly (RecordedBlock | KeptBlock)[];
  readonly inner: readonly RecordedInner[];
};

/**
 * Notes which leaves came of which blocks of a scan, while entries go into a tree.
 *
 * A block counts where it begins and ends with a leaf, and when a later backup would take all its entries over if it saw the same records again: not
 * those that were read with an error or changed meanwhile, nor those of files so large that they have lists of chunks.
 *
 * Memory: some hundred bytes a leaf.
 */
export class LeafRecorder {
  readonly #findSegment: (ids: Uint8Array, offset: number) => number;
  readonly #isDoubtful: (entry: Entry) => boolean;
  readonly #blocks: (RecordedBlock | KeptBlock)[] = [];
  readonly #inner: RecordedInner[] = [];
  #leaves: TreeChild[] = [];
  readonly #segments = new Set<number>();
  #lastSegment = -1;
  #counts = true;
  /** The digest of a block after which no leaf ended: it counts if nothing follows. */
  #tail: Uint8Array | undefined;

  /**
   * @param findSegment - the ordinal of the segment, needed by the new snapshot, that holds a blob; -1 for none
   * @param isDoubtful - whether an entry may change without showing it, so that it is to be read again
   */
  constructor(
    findSegment: (ids: Uint8Array, offset: number) => number,
    isDoubtful: (entry: Entry) => boolean = () => false,
  ) {
    this.#findSegment = findSegment;
    this.#isDoubtful = isDoubtful;
  }

  /** Notes an entry that went into the tree. @param isSettled - whether it is as the scan told */
  addEntry(entry: Entry, isSettled: boolean): void {
    this.#dropTail();
    if (!this.#counts) return;
    if (
      !isSettled ||
      entry.changed ||
      entry.error !== undefined ||
      entry.lists !== undefined ||
      this.#isDoubtful(entry)
    ) {
      this.#counts = false;
      return;
    }
    const { chunks } = entry;
    for (let at = 0; at < chunks.byteLength; at += chunkRowBytes) this.#need(chunks, at);
  }

  /** Notes a leaf that the entries since the one before make. */
  addLeaf(leaf: TreeChild): void {
    if (!this.#counts) return;
    const { nodeId, lastDir, lastName, entries, totalBytes } = leaf;
    this.#leaves.push({
      nodeId: Uint8Array.from(nodeId),
      lastDir: alone(lastDir),
      lastName: alone(lastName),
      entries,
      totalBytes,
    });
    this.#need(leaf.nodeId, 0);
  }

  /** Notes a node above the leaves. */
  addInner(nodeId: Uint8Array): void {
    const segment = this.#findSegment(nodeId, 0);
    if (segment >= 0) this.#inner.push({ nodeId: idFromBytes("blob", nodeId), segment });
  }

  /** Notes that a block of the scan ends here. @param atLeafStart - whether a leaf ends here too */
  endBlock(digest: Uint8Array, atLeafStart: boolean): void {
    if (atLeafStart) this.#take(digest, true);
    else this.#tail = digest;
  }

  /** Notes a known block whose leaves were taken over whole. */
  keep(block: number): void {
    this.#dropTail();
    this.#blocks.push({ kept: block });
    this.#reset(true);
  }

  /** All that counts, in order, once the tree is finished. */
  finish(): RecordedTree {
    if (this.#tail !== undefined) this.#take(this.#tail, false);
    return { blocks: this.#blocks, inner: this.#inner };
  }

  #take(digest: Uint8Array, closed: boolean): void {
    this.#tail = undefined;
    if (this.#counts && this.#leaves.length > 0)
      this.#blocks.push({
        digest: Uint8Array.from(digest),
        leaves: this.#leaves,
        closed,
        segments: [...this.#segments],
      });
    this.#reset(true);
  }

  /** What follows a block after which no leaf ended begins inside a leaf. */
  #dropTail(): void {
    if (this.#tail === undefined) return;
    this.#tail = undefined;
    this.#reset(false);
  }

  #reset(counts: boolean): void {
    this.#leaves = [];
    this.#segments.clear();
    this.#lastSegment = -1;
    this.#counts = counts;
  }

  #need(ids: Uint8Array, offset: number): void {
    const segment = this.#findSegment(ids, offset);
    if (segment < 0) this.#counts = false;
    else if (segment !== this.#lastSegment) {
      this.#segments.add(segment);
      this.#lastSegment = segment;
    }
  }
}

/** The same text in memory of its own: a part of another keeps the whole of that alive. */
function alone(text: string): string {
  return Buffer.from(text, "latin1").toString("latin1");
}
