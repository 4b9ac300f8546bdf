import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type Entry, entryPath } from "#shared/format/entry.ts";
import type { TreeChild } from "#shared/format/tree-node.ts";
import { buildTree, fileEntry, NodeStore, rootEntry, sorted } from "#shared/tree/node-store.testing.ts";
import { isBorder } from "#shared/tree/is-border.ts";
import { readLeaves } from "#shared/tree/read-tree.ts";
import { TreeBuilder } from "#shared/tree/tree-builder.ts";
import { EntryQueue } from "./entry-queue.ts";
import { LeafRecorder } from "./leaf-recorder.ts";
import { PreviousTree } from "./previous-tree.ts";

const place = (number: number): [dir: string, name: string] => [`d${number % 3}`, `${Math.floor(number / 3)}`];
const treeOf = (numbers: Iterable<number>): Entry[] =>
  sorted([rootEntry, ...Array.from(new Set(numbers), (number) => fileEntry(...place(number), number))]);

/** Walks both in step, as a backup does. */
async function merge(store: NodeStore, before: readonly Entry[], scan: readonly Entry[]) {
  const previous = new PreviousTree(buildTree(store, before), store.read);
  const found: (Entry | undefined)[] = [];
  const leaves: TreeChild[] = [];
  for (const { dir, name } of scan) {
    while (previous.needsLeaf) await previous.nextLeaf();
    let entry = previous.seek(dir, name);
    while (entry === undefined && previous.needsLeaf) {
      await previous.nextLeaf();
      entry = previous.seek(dir, name);
    }
    found.push(entry);
    if (entry !== undefined && previous.finishedLeaf !== undefined) leaves.push(previous.finishedLeaf);
  }
  return { found, leaves };
}

const numbers = fc.oneof(
  fc.array(fc.nat({ max: 30 }), { maxLength: 30 }),
  fc
    .record({ from: fc.nat({ max: 3000 }), count: fc.nat({ max: 3000 }) })
    .map(({ from, count }) => Array.from({ length: count }, (_each, index) => from + index)),
);

describe("PreviousTree", () => {
  it("finds of a scan what is in both, as looking each key up in a Map does", async () => {
    await fc.assert(
      fc.asyncProperty(numbers, numbers, async (old, now) => {
        const before = treeOf(old);
        const scan = treeOf(now);
        const { found, leaves } = await merge(new NodeStore(), before, scan);
        const twin = new Map(before.map((entry) => [entryPath(entry), entry]));
        expect(found).toEqual(scan.map((entry) => twin.get(entryPath(entry))));
        // A leaf is whole only if every entry of it is in the scan and none of the scan between them.
        const scanned = scan.map((entry) => entryPath(entry));
        const kept = before.map((entry) => entryPath(entry));
        for (const leaf of leaves) {
          const last = kept.indexOf(entryPath({ dir: leaf.lastDir, name: leaf.lastName }));
          const end = scanned.indexOf(kept[last] ?? "");
          const first = last - leaf.entries + 1;
          expect(scanned.slice(end - leaf.entries + 1, end + 1)).toEqual(kept.slice(first, last + 1));
        }
      }),
      { numRuns: 40 },
    );
  });

  it("gives every leaf whole when nothing changed", async () => {
    const store = new NodeStore();
    const entries = treeOf(Array.from({ length: 4000 }, (_each, number) => number));
    const { leaves } = await merge(store, entries, entries);
    expect(leaves.reduce((sum, leaf) => sum + leaf.entries, 0)).toBe(entries.length);
    expect(leaves.length).toBeGreaterThan(5);
  });

  it("is empty without a tree, and after it was stopped", async () => {
    const none = new PreviousTree(undefined, () => Promise.reject(new Error("nothing is to be read")));
    expect(none.needsLeaf).toBe(false);
    expect(none.seek("", "")).toBeUndefined();
    const store = new NodeStore();
    const stopped = new PreviousTree(buildTree(store, treeOf([1, 2, 3])), store.read);
    await stopped.nextLeaf();
    expect(stopped.seek("", "")).toBeDefined();
    stopped.stop();
    expect(stopped.needsLeaf).toBe(false);
    expect(stopped.seek(...place(1))).toBeUndefined();
  });
});

describe("EntryQueue", () => {
  it("builds the tree that adding in order builds, in whatever order entries become ready", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 300 }), fc.infiniteStream(fc.nat()), (count, stream) => {
        const draws = stream[Symbol.iterator]();
        const draw = (below: number): number => (draws.next().value ?? 0) % below;
        const entries = treeOf(Array.from({ length: count }, (_each, number) => number));
        const store = new NodeStore();
        const builder = new TreeBuilder(store.write);
        const queue = new EntryQueue(builder);
        const waiting = [];
        for (const entry of entries) {
          const isReady = draw(3) === 0;
          const item = queue.add(entry, isReady);
          if (!isReady) waiting.push(item);
          if (draw(5) === 0) {
            const [done] = waiting.splice(draw(Math.max(1, waiting.length)), 1);
            if (done !== undefined) done.ready = true;
          }
          if (draw(4) === 0) queue.drain();
        }
        while (waiting.length > 0) {
          expect(queue.length).toBeGreaterThan(0);
          const [done] = waiting.splice(draw(waiting.length), 1);
          if (done !== undefined) done.ready = true;
          queue.drain();
        }
        queue.drain();
        expect(queue.length).toBe(0);
        expect(builder.finish()).toEqual(buildTree(store, entries));
      }),
      { numRuns: 60 },
    );
  });

  it("takes a whole leaf where it fits, and its entries where something new comes before it", async () => {
    const before = treeOf(Array.from({ length: 4000 }, (_each, number) => number));
    for (const isShifted of [false, true]) {
      const store = new NodeStore();
      const builder = new TreeBuilder(store.write);
      const queue = new EntryQueue(builder);
      const wanted = [...before];
      let leaves = 0;
      let lastDir = "";
      let lastName = "";
      for await (const { child, entries } of readLeaves(buildTree(store, before), store.read)) {
        if (isShifted && leaves === 2) {
          const added = fileEntry(lastDir, `${lastName}\x01`);
          expect(isBorder(added.dir, added.name, 0)).toBe(false);
          wanted.push(added);
          queue.add(added, true);
        }
        queue.addLeaf(child, entries);
        queue.drain();
        leaves++;
        ({ lastDir, lastName } = child);
      }
      expect(leaves).toBeGreaterThan(5);
      expect(builder.finish()).toEqual(buildTree(store, sorted(wanted)));
    }
  });
});

describe("a known block in the queue", () => {
  const entries = treeOf(Array.from({ length: 3000 }, (_each, index) => index));
  const isEnd = ({ dir, name }: Entry): boolean => isBorder(dir, name, 0);

  /** Puts a known block with entries around it into a tree, and all as entries into another. */
  async function place(parts: { before: readonly Entry[]; block: readonly Entry[]; after: readonly Entry[] }) {
    const { before, block, after } = parts;
    const store = new NodeStore();
    const leaves: TreeChild[] = [];
    for await (const leaf of readLeaves(buildTree(store, block), store.read)) leaves.push(leaf.child);
    const recorder = new LeafRecorder(() => 1);
    const builder = new TreeBuilder(store.write, { onLeaf: (leaf) => recorder.addLeaf(leaf) });
    const queue = new EntryQueue(builder, recorder);
    const last = block.at(-1);
    const closed = last !== undefined && isEnd(last);
    for (const entry of before) queue.add(entry, true);
    queue.addBlock(0, { leaves, closed, segments: new Uint32Array(0) }, new Uint8Array(16));
    queue.drain();
    for (const entry of after) queue.add(entry, true);
    let takenApart = 0;
    for (queue.drain("ended"); queue.stuck !== undefined; queue.drain("ended")) {
      queue.stuck.entries = block;
      takenApart++;
    }
    expect(queue.length).toBe(0);
    expect(builder.finish()).toEqual(buildTree(store, [...before, ...block, ...after]));
    return { takenApart, kept: recorder.finish().blocks.filter((each) => "kept" in each).length };
  }

  it("goes into the tree whole where it begins a leaf, and ends one or the tree", async () => {
    const border = entries.findIndex(isEnd) + 1;
    const later = entries.findLastIndex(isEnd) + 1;
    expect(later).toBeGreaterThan(border);
    const [before, block, after] = [entries.slice(0, border), entries.slice(border, later), entries.slice(later)];
    expect(await place({ before, block, after })).toEqual({ takenApart: 0, kept: 1 });
    expect(await place({ before, block: [...block, ...after], after: [] })).toEqual({ takenApart: 0, kept: 1 });
    expect(await place({ before: [], block: entries, after: [] })).toEqual({ takenApart: 0, kept: 1 });
  });

  it("is taken apart where it begins inside a leaf, or ended a tree that goes on now", async () => {
    const inside = entries.findIndex(isEnd) - 3;
    expect(await place({ before: entries.slice(0, inside), block: entries.slice(inside), after: [] })).toEqual({
      takenApart: 1,
      kept: 0,
    });
    const cut = entries.findLastIndex(isEnd) + 2;
    expect(await place({ before: [], block: entries.slice(0, cut), after: entries.slice(cut) })).toEqual({
      takenApart: 1,
      kept: 0,
    });
  });
});
