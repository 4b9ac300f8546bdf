import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { emptyEntry, type Entry, entryTypes } from "#shared/format/entry.ts";
import type { TreeRoot } from "#shared/format/snapshot.ts";
import { isBorder } from "./is-border.ts";
import { buildTree, fileEntry, NodeStore, rootEntry, sorted } from "./node-store.testing.ts";
import { readEntries, readLeaves } from "./read-tree.ts";
import { TreeBuilder } from "./tree-builder.ts";

/** A tree of many leaves: `count` files in some directories; `salt` makes other names. */
function manyEntries(count: number, salt = ""): Entry[] {
  const entries = [rootEntry];
  for (let number = 0; number < count; number++)
    entries.push(fileEntry(`dir ${number % 7}`, `${salt}${number}`, number));
  return sorted(entries);
}

/** Builds the tree of `entries`, taking leaves of `old` whole wherever they come next and end in a border. */
async function buildReusing(
  store: NodeStore,
  entries: readonly Entry[],
  old: TreeRoot,
): Promise<{ root: TreeRoot; reused: number }> {
  const builder = new TreeBuilder(store.write);
  const places = new Map(entries.map((entry, place) => [`${entry.dir}|${entry.name}`, place]));
  const leafAt = new Map<number, { leaf: Parameters<TreeBuilder["addLeaf"]>[0]; length: number }>();
  for await (const { child, entries: held } of readLeaves(old, store.read)) {
    const first = places.get(`${held[0]?.dir}|${held[0]?.name}`);
    if (first === undefined || !isBorder(child.lastDir, child.lastName, 0)) continue;
    if (held.every((entry, index) => entries[first + index] !== undefined && same(entry, entries[first + index])))
      leafAt.set(first, { leaf: child, length: held.length });
  }
  let reused = 0;
  for (let place = 0; place < entries.length;) {
    const whole = builder.atLeafStart ? leafAt.get(place) : undefined;
    const entry = entries[place];
    if (whole !== undefined) {
      builder.addLeaf(whole.leaf);
      place += whole.length;
      reused++;
    } else if (entry !== undefined) {
      builder.add(entry);
      place++;
    }
  }
  return { root: builder.finish(), reused };
}

const same = (left: Entry, right: Entry | undefined): boolean =>
  left.dir === right?.dir && left.name === right.name && left.size === right.size;

const change = fc.record({
  at: fc.nat({ max: 5999 }),
  how: fc.constantFrom("change" as const, "delete" as const, "insert" as const),
});

describe("TreeBuilder", () => {
  it("gives the same root for the same entries, built anew or from leaves of any earlier tree", async () => {
    const before = manyEntries(6000);
    await fc.assert(
      fc.asyncProperty(fc.array(change, { maxLength: 12 }), async (changes) => {
        const after = [...before];
        for (const { at, how } of changes) {
          const entry = after[at];
          if (entry === undefined || entry.name === "") continue;
          if (how === "change") after[at] = fileEntry(entry.dir, entry.name, entry.size + 1);
          else if (how === "delete") after.splice(at, 1);
          else after.push(fileEntry(entry.dir, `${entry.name} new ${at}`, at));
        }
        const wanted = sorted(after);
        const store = new NodeStore();
        const anew = buildTree(store, wanted);
        const old = buildTree(store, before);
        const { root, reused } = await buildReusing(store, wanted, old);
        expect(root).toEqual(anew);
        expect(reused).toBeGreaterThan(0);
      }),
      { numRuns: 25 },
    );
  });

  it("gives the same root whether leaves end at their limit or at a border", async () => {
    // No key of these is a border, so that leaves are closed by the number of their entries alone.
    const names: string[] = [];
    for (let number = 0; names.length < 5000; number++) if (!isBorder("", `${number}`, 0)) names.push(`${number}`);
    const entries = sorted(names.map((name) => fileEntry("", name, 1)));
    const store = new NodeStore();
    const root = buildTree(store, entries);
    const leaves: number[] = [];
    for await (const leaf of readLeaves(root, store.read)) leaves.push(leaf.entries.length);
    expect(leaves).toEqual([2048, 2048, 904]);
    const { root: again } = await buildReusing(store, entries, root);
    expect(again).toEqual(root);
  });

  it("rewrites one node a level when one entry changes", () => {
    const before = manyEntries(20_000);
    for (const at of [1, 777, 10_000, 19_999]) {
      const store = new NodeStore();
      const root = buildTree(store, before);
      expect(root.level).toBeGreaterThanOrEqual(1);
      const nodes = store.nodes.size;
      const entry = before[at];
      if (entry === undefined) return expect.fail("no entry");
      const after = buildTree(store, [
        ...before.slice(0, at),
        fileEntry(entry.dir, entry.name, 12345),
        ...before.slice(at + 1),
      ]);
      expect(after.nodeId).not.toBe(root.nodeId);
      expect(store.nodes.size - nodes).toBe(root.level + 1);
    }
  });

  it("rewrites few nodes when an entry is added or removed anywhere", () => {
    const before = manyEntries(20_000);
    for (const at of [1, 777, 10_000, 19_999]) {
      const store = new NodeStore();
      const root = buildTree(store, before);
      const nodes = store.nodes.size;
      buildTree(store, [...before.slice(0, at), ...before.slice(at + 1)]);
      buildTree(store, [...before, fileEntry("dir 3", `${at} and more`)]);
      // A border that comes or goes splits or joins two nodes of its level.
      expect(store.nodes.size - nodes).toBeLessThanOrEqual(2 * 2 * (root.level + 2));
    }
  });

  it("gives different roots for different entries", () => {
    const store = new NodeStore();
    const roots = new Set(
      [manyEntries(10), manyEntries(11), manyEntries(10, "other "), [rootEntry]].map(
        (each) => buildTree(store, each).nodeId,
      ),
    );
    expect(roots.size).toBe(4);
  });

  it("closes leaves of large entries long before they are too large to be read", async () => {
    const xattrs = [["user.big", new Uint8Array(60_000)]] as const;
    const entries = sorted(Array.from({ length: 300 }, (_each, number) => ({ ...fileEntry("", `${number}`), xattrs })));
    const store = new NodeStore();
    const root = buildTree(store, entries);
    for (const node of store.nodes.values()) expect(node.byteLength).toBeLessThan(2 * 1024 * 1024);
    let count = 0;
    for await (const entry of readEntries(root, store.read)) count += entry.xattrs?.length ?? 0;
    expect(count).toBe(300);
  });

  it("refuses entries that do not ascend, a leaf inside another, and a tree without entries", () => {
    const store = new NodeStore();
    const builder = new TreeBuilder(store.write);
    expect(() => builder.finish()).toThrow("without entries");
    builder.add(emptyEntry("a", "b", entryTypes.file));
    expect(() => builder.add(emptyEntry("a", "b", entryTypes.file))).toThrow("not greater");
    expect(() => builder.add(emptyEntry("", "z", entryTypes.file))).toThrow("not greater");
    expect(() =>
      builder.addLeaf({ nodeId: new Uint8Array(32), lastDir: "z", lastName: "z", entries: 1, totalBytes: 0 }),
    ).toThrow("inside another");
  });
});
