import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type Entry, entryPath } from "#shared/format/entry.ts";
import { directoryEntry, fileEntry, NodeStore, buildTree, rootEntry, sorted } from "./node-store.testing.ts";
import { findEntry, isBelow, readDirectory, readEntries, readLeaves, readSubtree, subtreeTotals } from "./read-tree.ts";

/** Names of every byte that a name may have, most often of those that trouble an order: "!", "-", "." sort before "/" would. */
const name = fc
  .array(
    fc.oneof(
      { weight: 4, arbitrary: fc.constantFrom(0x21, 0x2d, 0x2e, 0x30, 0x61, 0x62) },
      { weight: 1, arbitrary: fc.integer({ min: 1, max: 255 }) },
    ),
    {
      minLength: 1,
      maxLength: 3,
    },
  )
  .map((codes) => String.fromCharCode(...codes))
  .filter((text) => text !== "." && text !== ".." && !text.includes("/"));
const deepPath = fc.array(name, { minLength: 1, maxLength: 5 });

/** A whole tree: the root, files and every directory that leads to them. */
const tree = fc.array(fc.record({ path: deepPath, size: fc.nat({ max: 1000 }) }), { maxLength: 60 }).map((files) => {
  const entries: Entry[] = [rootEntry];
  for (const { path, size } of files) {
    for (let depth = 1; depth < path.length; depth++)
      entries.push(directoryEntry(path.slice(0, depth - 1).join("/"), path[depth - 1] ?? ""));
    entries.push(fileEntry(path.slice(0, -1).join("/"), path.at(-1) ?? "", size));
  }
  return sorted(entries);
});

/** Many entries in directories whose names begin alike, so that several leaves and two levels come about. */
function largeTree(): Entry[] {
  const entries: Entry[] = [rootEntry];
  for (const dir of ["a", "a-b", "a.b", "a/b", "a/b/c", "b", "b/c", "\xff"]) {
    const slash = dir.lastIndexOf("/");
    entries.push(directoryEntry(slash < 0 ? "" : dir.slice(0, slash), dir.slice(slash + 1)));
    for (let number = 0; number < 900; number++) entries.push(fileEntry(dir, `file ${number}`, number));
  }
  return sorted(entries);
}

async function collect<Item>(items: AsyncIterable<Item>): Promise<Item[]> {
  const all: Item[] = [];
  for await (const each of items) all.push(each);
  return all;
}

const paths = (entries: readonly Entry[]): string[] => entries.map((entry) => `${entry.dir}|${entry.name}`);
const isInside = (entry: Entry, dir: string): boolean => entry.name !== "" && isBelow(entry.dir, dir);
const directoriesOf = (entries: readonly Entry[]): string[] =>
  entries.filter((entry) => entry.type === 1).map((entry) => entryPath(entry));

/** Compares every way of reading with the sorted array that the tree was built from. */
async function compareWithArray(entries: readonly Entry[], asked: readonly string[]): Promise<void> {
  const store = new NodeStore();
  const root = buildTree(store, entries);
  expect(root.entries).toBe(entries.length);
  expect(root.totalBytes).toBe(entries.reduce((sum, entry) => sum + entry.size, 0));
  expect(await collect(readEntries(root, store.read))).toEqual(entries);
  expect((await collect(readLeaves(root, store.read))).flatMap((leaf) => leaf.entries)).toEqual(entries);
  for (const path of asked) {
    const expected = entries.find((entry) => entryPath(entry) === path);
    expect(await findEntry(root, store.read, path)).toEqual(expected);
  }
  for (const dir of new Set([...directoriesOf(entries), "no such directory", "a-"])) {
    const children = entries.filter((entry) => entry.dir === dir && entry.name !== "");
    expect(paths(await collect(readDirectory(root, store.read, dir)))).toEqual(paths(children));
    for (const after of new Set([children[0]?.name ?? "-", children.at(-1)?.name ?? "-", "a", "\xff\xff"])) {
      const later = children.filter((entry) => entry.name > after);
      expect(paths(await collect(readDirectory(root, store.read, dir, after)))).toEqual(paths(later));
    }
    const inside = entries.filter((entry) => isInside(entry, dir));
    expect(paths(await collect(readSubtree(root, store.read, dir)))).toEqual(paths(inside));
    expect(await subtreeTotals(root, store.read, dir)).toEqual({
      entries: inside.length,
      totalBytes: inside.reduce((sum, entry) => sum + entry.size, 0),
    });
  }
}

describe("reading a tree", () => {
  it("gives what filtering a sorted array gives, whatever the names", async () => {
    await fc.assert(
      fc.asyncProperty(tree, fc.array(deepPath, { maxLength: 10 }), async (entries, others) => {
        await compareWithArray(entries, [
          ...entries.map((entry) => entryPath(entry)),
          ...others.map((path) => path.join("/")),
        ]);
      }),
      { numRuns: 60 },
    );
  });

  it("gives what filtering a sorted array gives, over many leaves and levels", async () => {
    const entries = largeTree();
    await compareWithArray(entries, ["", "a", "a/b/c/file 7", "a-b/file 899", "\xff/file 0", "b/c", "b/c/none", "zzz"]);
  });

  it("finds an entry and sums up a subtree by reading few nodes", async () => {
    const store = new NodeStore();
    const root = buildTree(store, largeTree());
    const nodes = store.nodes.size;
    expect(root.level).toBeGreaterThan(0);
    store.reads = 0;
    await findEntry(root, store.read, "a/b/file 500");
    expect(store.reads).toBe(root.level + 1);
    store.reads = 0;
    await subtreeTotals(root, store.read, "");
    expect(store.reads).toBeLessThanOrEqual(2 * (root.level + 1));
    store.reads = 0;
    await subtreeTotals(root, store.read, "a");
    expect(store.reads).toBeLessThanOrEqual(2 * (root.level + 1));
    expect(nodes).toBeGreaterThan(15);
  });

  it("refuses a node whose level is not the one that its parent says", async () => {
    const store = new NodeStore();
    const root = buildTree(store, largeTree());
    await expect(findEntry({ ...root, level: root.level + 1 }, store.read, "a")).rejects.toMatchObject({
      kind: "corrupt",
    });
  });
});

describe("the order of a tree", () => {
  it("keeps a directory's children together, and all that is below it", () => {
    const entries = sorted([
      fileEntry("a-b", "x"),
      fileEntry("a", "x"),
      fileEntry("a/b", "x"),
      fileEntry("a!", "x"),
      fileEntry("", "a0"),
    ]);
    expect(entries.map((entry) => entryPath(entry))).toEqual(["a0", "a/x", "a/b/x", "a!/x", "a-b/x"]);
  });
});
