import { describe, expect, it } from "vitest";
import {
  compareEntryKeys,
  emptyEntry,
  type Entry,
  entryPath,
  type EntryType,
  entryTypes,
} from "#shared/format/entry.ts";
import type { SnapshotHeader, SnapshotSource } from "#shared/format/snapshot.ts";
import { NodeStore } from "#shared/tree/node-store.testing.ts";
import { TreeBuilder } from "#shared/tree/tree-builder.ts";
import type { Snapshot } from "./read-snapshot.ts";
import { SnapshotTree } from "./snapshot-tree.ts";

const nodes = new NodeStore();

function entry(path: string, type: EntryType, mtimeSec = 0): Entry {
  const slash = path.lastIndexOf("/");
  const made = emptyEntry(path.slice(0, Math.max(0, slash)), path.slice(slash + 1), type);
  made.mtimeSec = mtimeSec;
  return made;
}

/** A source whose directories end in a slash, and whose files have the length of the root as their time. */
function source(root: string, paths: readonly string[], parents?: readonly Entry[]): SnapshotSource {
  const builder = new TreeBuilder(nodes.write);
  const entries = paths.map((path) =>
    path.endsWith("/")
      ? entry(path.slice(0, -1), entryTypes.directory)
      : entry(path, entryTypes.file, path === "" ? 0 : root.length),
  );
  const all = [entry("", entryTypes.directory), ...entries].sort((left, right) =>
    compareEntryKeys(left.dir, left.name, right.dir, right.name),
  );
  for (const each of all) builder.add(each);
  return {
    type: "filesystem",
    origin: "host",
    root,
    options: new Map(),
    tree: builder.finish(),
    userNames: new Map(),
    groupNames: new Map(),
    ...(parents === undefined ? {} : { parents }),
  };
}

function treeOf(...sources: readonly SnapshotSource[]): SnapshotTree {
  const header = { sources } as unknown as SnapshotHeader;
  return new SnapshotTree({ id: "0".repeat(64), header } as unknown as Snapshot, nodes.read);
}

async function listed(tree: SnapshotTree, path: string): Promise<string[]> {
  const found: string[] = [];
  for await (const child of tree.list(await tree.find(path))) found.push(child.path);
  return found;
}

async function below(tree: SnapshotTree, path: string): Promise<string[]> {
  const found: string[] = [];
  for await (const child of tree.below(await tree.find(path)))
    found.push(`${child.path}${child.entry.type === entryTypes.file ? `=${child.entry.mtimeSec}` : ""}`);
  return found;
}

/** All paths below a directory, by listing each directory. */
async function walked(tree: SnapshotTree, path: string): Promise<string[]> {
  const found: string[] = [];
  for await (const child of tree.list(await tree.find(path))) {
    found.push(`${child.path}${child.entry.type === entryTypes.file ? `=${child.entry.mtimeSec}` : ""}`);
    if (child.entry.type === entryTypes.directory) found.push(...(await walked(tree, child.path)));
  }
  return found;
}

describe("sources that lie in one another", () => {
  const tree = treeOf(
    source("/", ["boot/", "etc/", "etc/hosts", "home/", "home/old", "srv/"]),
    source("/home", ["ada/", "ada/file", "lost/"]),
    source("/home/ada/disk/deep", ["a"]),
    source("/boot", ["kernel"]),
    source("/srv/www", ["index"]),
  );
  const all = [
    "/boot",
    "/boot/kernel=5",
    "/etc",
    "/etc/hosts=1",
    "/home",
    "/home/ada",
    "/home/ada/disk",
    "/home/ada/disk/deep",
    "/home/ada/disk/deep/a=19",
    "/home/ada/file=5",
    "/home/lost",
    "/srv",
    "/srv/www",
    "/srv/www/index=8",
  ];

  it("are one tree: what a source hides does not show, and every way to read it shows the same", async () => {
    for (const path of ["/", "/home", "/home/ada", "/home/ada/disk", "/srv", "/etc", "/boot"]) {
      const expected = all.filter((each) => each.startsWith(path === "/" ? "/" : `${path}/`));
      expect((await below(tree, path)).sort(), path).toEqual([...expected].sort());
      expect((await walked(tree, path)).sort(), path).toEqual([...expected].sort());
    }
    expect(await listed(tree, "/home/ada")).toEqual(["/home/ada/disk", "/home/ada/file"]);
    expect(await listed(tree, "/")).toEqual(["/boot", "/etc", "/home", "/srv"]);
  });

  it("give parents before what is in them, in the order of keys", async () => {
    const paths = (await below(tree, "/")).map((each) => each.split("=")[0] ?? "");
    for (const [index, path] of paths.entries()) {
      const parent = path.slice(0, path.lastIndexOf("/"));
      if (parent !== "") expect(paths.indexOf(parent), path).toBeLessThan(index);
    }
    const [outer] = tree.snapshot.header.sources;
    if (outer === undefined) return expect.fail("no source");
    let last: Entry | undefined;
    for await (const each of tree.entriesBelow(outer, "")) {
      if (last !== undefined) expect(compareEntryKeys(last.dir, last.name, each.dir, each.name)).toBeLessThan(0);
      last = each;
    }
    expect(last === undefined ? "" : entryPath(last)).not.toBe("");
  });

  it("list from a name on, with the directories that lead to other sources", async () => {
    const names: string[] = [];
    for await (const { path } of tree.list(await tree.find("/home/ada"), "disk")) names.push(path);
    expect(names).toEqual(["/home/ada/file"]);
  });
});

it("directories that lead to a source show what was recorded of them", async () => {
  const parents = [entry("", entryTypes.directory), entry("home", entryTypes.directory)];
  parents[1]!.mode = 0o711;
  parents[1]!.mtimeSec = 77;
  const tree = treeOf(source("/home/ada", ["file"], parents));
  expect((await tree.find("/home")).entry).toMatchObject({ mode: 0o711, mtimeSec: 77 });
  expect((await tree.find("/home")).describedBy?.root).toBe("/home/ada");
  const made = treeOf(source("/home/ada", ["file"]));
  expect((await made.find("/home")).entry.mode).toBe(0o755);
});
