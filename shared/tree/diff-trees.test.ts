import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type Entry, entryPath } from "#shared/format/entry.ts";
import { diffTrees } from "./diff-trees.ts";
import { childPositions, entriesBefore, keyAt } from "./entry-positions.ts";
import { buildTree, directoryEntry, fileEntry, NodeStore, rootEntry, sorted } from "./node-store.testing.ts";
import { isBelow } from "./read-tree.ts";

const dirs = ["", "a", "a-b", "a/b", "a/b/c", "b"];

/** A tree of some thousand files; every file's size is its number, but for those that `changed` names, and without `missing`. */
function entriesOf(changed: ReadonlySet<number> = new Set(), missing: ReadonlySet<number> = new Set()): Entry[] {
  const entries: Entry[] = [rootEntry, ...["a", "a-b", "b"].map((dir) => directoryEntry("", dir))];
  entries.push(directoryEntry("a", "b"), directoryEntry("a/b", "c"));
  for (let number = 0; number < 6000; number++) {
    if (missing.has(number)) continue;
    const dir = dirs[number % dirs.length] ?? "";
    entries.push(fileEntry(dir, `file ${number}`, changed.has(number) ? 1 : number + 10));
  }
  return sorted(entries);
}

/** What differs, told by comparing all. */
function slowDiff(left: readonly Entry[], right: readonly Entry[], dir: string): string[] {
  const lefts = new Map(left.map((entry) => [entryPath(entry), entry]));
  const rights = new Map(right.map((entry) => [entryPath(entry), entry]));
  return sorted([...left, ...right])
    .filter((entry) => entry.name !== "" && isBelow(entry.dir, dir))
    .map((entry) => entryPath(entry))
    .filter((path) => lefts.get(path)?.size !== rights.get(path)?.size)
    .map((path) => `${lefts.get(path)?.size} ${rights.get(path)?.size} ${path}`);
}

async function quickDiff(store: NodeStore, left: Entry[], right: Entry[], dir: string): Promise<string[]> {
  const found: string[] = [];
  for await (const pair of diffTrees(buildTree(store, left), buildTree(store, right), store.read, dir)) {
    if (pair.left?.size === pair.right?.size) continue;
    found.push(`${pair.left?.size} ${pair.right?.size} ${entryPath(pair.left ?? pair.right)}`);
  }
  return found;
}

describe("diffTrees", () => {
  const numbers = fc.array(fc.nat({ max: 5999 }), { maxLength: 40 }).map((list) => new Set(list));
  it("finds what a comparison of all entries finds, below any directory", async () => {
    await fc.assert(
      fc.asyncProperty(
        numbers,
        numbers,
        numbers,
        fc.constantFrom(...dirs, "nowhere"),
        async (changed, gone, added, dir) => {
          const store = new NodeStore();
          const left = entriesOf(new Set(), added);
          const right = entriesOf(changed, gone);
          expect(await quickDiff(store, left, right, dir)).toEqual(slowDiff(left, right, dir));
        },
      ),
      { numRuns: 10 },
    );
  });

  it("reads nothing but the roots of equal trees, and few nodes for few changes", async () => {
    const store = new NodeStore();
    expect(await quickDiff(store, entriesOf(), entriesOf(), "")).toEqual([]);
    expect(store.reads).toBe(0);
    expect(await quickDiff(store, entriesOf(), entriesOf(new Set([77]), new Set([2500])), "")).toHaveLength(2);
    expect(store.reads).toBeLessThanOrEqual(10);
  });

  it("finds all of a tree beside an empty one", async () => {
    const store = new NodeStore();
    expect(await quickDiff(store, [rootEntry], entriesOf(), "a")).toHaveLength(3002);
  });
});

describe("positions", () => {
  it("are those of the sorted entries", async () => {
    const store = new NodeStore();
    const entries = entriesOf();
    const root = buildTree(store, entries);
    for (let at = 0; at < entries.length; at += 517) {
      const { dir, name } = entries[at]!;
      expect(await entriesBefore(root, store.read, { dir, name })).toBe(at);
      expect(await keyAt(root, store.read, at)).toMatchObject({ dir, name });
    }
    expect(await keyAt(root, store.read, entries.length)).toBeUndefined();
    store.reads = 0;
    await childPositions(root, store.read, "a/b");
    expect(store.reads).toBeLessThanOrEqual(2 * (root.level + 1));
    for (const dir of dirs) {
      const { start, end } = await childPositions(root, store.read, dir);
      expect(entries.slice(start, end).every((entry) => entry.dir === dir && entry.name !== "")).toBe(true);
      expect(end - start).toBe(entries.filter((entry) => entry.dir === dir && entry.name !== "").length);
    }
  });
});
