import { HoldfastError } from "#shared/errors.ts";
import { compareEntryKeys, type Entry, entryPath, entryTypes } from "#shared/format/entry.ts";
import type { SnapshotSource } from "#shared/format/snapshot.ts";
import { relativeTo, type SnapshotTree } from "#shared/snapshot/snapshot-tree.ts";
import { diffTrees, type EntryPair } from "#shared/tree/diff-trees.ts";
import { type ChangedPart, changedParts } from "./changed-parts.ts";
import type { Located } from "./located.ts";
import type { ViewEntry } from "./view.ts";

/** A path that is not the same in two directories. */
export type Change = {
  /** Relative to the directories that are compared; a binary string. */
  readonly path: string;
  readonly kind: "added" | "removed" | "changed";
  readonly left: ViewEntry | undefined;
  readonly right: ViewEntry | undefined;
  /** What of it changed; empty unless `kind` is "changed". */
  readonly parts: readonly ChangedPart[];
};

/**
 * What differs below two directories, in the order of paths. Where they are the same path of the same source and no other source
 * lies in them, O(changes) nodes are read; else both whole. Times of access and of change of the inode, and inode numbers, count for nothing.
 *
 * @throws {HoldfastError} invalid: one is no directory, or shows only in part
 */
export async function* compareDirectories(left: Located, right: Located): AsyncGenerator<Change> {
  for (const { place, showsAll } of [left, right]) {
    if (place.entry.type !== entryTypes.directory)
      throw new HoldfastError("invalid", "Cannot compare it: it is no directory");
    if (!showsAll) throw new HoldfastError("denied", "Cannot compare it: it shows only in part");
  }
  if (left.place.source === undefined || right.place.source === undefined) {
    yield* compareMadeUp(left, right);
    return;
  }
  const one = insideOf(left, left.place.source);
  const other = insideOf(right, right.place.source);
  const isSame = one.dir === other.dir && one.source.root === other.source.root;
  const isPlain = isSame && !one.isComposed && !other.isComposed;
  const pairs = isPlain
    ? diffTrees(one.source.tree, other.source.tree, one.tree.readNode, one.dir)
    : mergeTrees(one, other);
  for await (const pair of pairs) {
    const change = changeOf(pair);
    if (change === undefined) continue;
    const path =
      pair.left === undefined ? below(other.dir, entryPath(pair.right)) : below(one.dir, entryPath(pair.left));
    yield {
      path,
      ...change,
      left: pair.left === undefined ? undefined : shownIn(left, one.source, pair.left),
      right: pair.right === undefined ? undefined : shownIn(right, other.source, pair.right),
    };
  }
}

type Inside = {
  readonly source: SnapshotSource;
  readonly dir: string;
  readonly tree: SnapshotTree;
  /** Whether other sources lie in the directory, which the tree of the source does not have. */
  readonly isComposed: boolean;
};

function insideOf({ place, tree }: Located, source: SnapshotSource): Inside {
  return {
    source,
    dir: relativeTo(source.root, place.path),
    tree,
    isComposed: tree.innerSources(place.path).length > 0,
  };
}

/** Directories that lead to sources: what only one has, and what is below those that both have. */
async function* compareMadeUp(left: Located, right: Located): AsyncGenerator<Change> {
  const lefts = await childrenOf(left);
  const rights = await childrenOf(right);
  for (const name of [...new Set([...lefts.keys(), ...rights.keys()])].sort()) {
    const one = lefts.get(name);
    const other = rights.get(name);
    if (one !== undefined && other !== undefined) {
      const isDirectories = [one, other].every(({ place }) => place.entry.type === entryTypes.directory);
      const change = changeOf({ left: one.place.entry, right: other.place.entry });
      const isReal = one.place.source !== undefined && other.place.source !== undefined;
      if (isReal && change !== undefined) {
        yield { path: name, ...change, left: one.shown(one.place), right: other.shown(other.place) };
      }
      if (!isDirectories) continue;
      for await (const below of compareDirectories(one, other)) yield { ...below, path: `${name}/${below.path}` };
      continue;
    }
    const only = one ?? other;
    if (only === undefined) continue;
    const kind = one === undefined ? "added" : "removed";
    const told = (entry: ViewEntry, path: string): Change => ({
      path,
      kind,
      left: one === undefined ? undefined : entry,
      right: one === undefined ? entry : undefined,
      parts: [],
    });
    yield told(only.shown(only.place), name);
    for await (const child of only.tree.below(only.place)) {
      yield told(only.shown(child), `${name}${child.path.slice(only.place.path.length)}`);
    }
  }
}

async function childrenOf(located: Located): Promise<Map<string, Located>> {
  const found = new Map<string, Located>();
  for await (const child of located.tree.list(located.place)) found.set(child.entry.name, { ...located, place: child });
  return found;
}

/** Two directories by reading both. */
async function* mergeTrees(left: Inside, right: Inside): AsyncGenerator<EntryPair> {
  const lefts = left.tree.entriesBelow(left.source, left.dir);
  const rights = right.tree.entriesBelow(right.source, right.dir);
  try {
    let one = await lefts.next();
    let other = await rights.next();
    while (one.done !== true || other.done !== true) {
      let order: number;
      if (one.done === true) order = 1;
      else if (other.done === true) order = -1;
      else {
        const here = atDirectory(other.value, right.dir, left.dir);
        order = compareEntryKeys(one.value.dir, one.value.name, here.dir, here.name);
      }
      const l = order <= 0 && one.done !== true ? one.value : undefined;
      const r = order >= 0 && other.done !== true ? other.value : undefined;
      if (l !== undefined && r !== undefined) yield { left: l, right: r };
      else if (l !== undefined) yield { left: l, right: undefined };
      else if (r !== undefined) yield { left: undefined, right: r };
      if (l !== undefined) one = await lefts.next();
      if (r !== undefined) other = await rights.next();
    }
  } finally {
    await lefts.return(undefined);
    await rights.return(undefined);
  }
}

/** The key of an entry below one directory as it would be below another. */
function atDirectory(entry: Entry, from: string, to: string): { dir: string; name: string } {
  const inside = below(from, entry.dir);
  return { dir: to === "" || inside === "" ? to + inside : `${to}/${inside}`, name: entry.name };
}

/** A path at or below a directory, relative to it. */
function below(dir: string, path: string): string {
  return dir === "" ? path : path.slice(dir.length + 1);
}

function changeOf({ left, right }: EntryPair): Pick<Change, "kind" | "parts"> | undefined {
  if (left === undefined) return { kind: "added", parts: [] };
  if (right === undefined) return { kind: "removed", parts: [] };
  const parts = changedParts(left, right);
  return parts.length === 0 ? undefined : { kind: "changed", parts };
}

function shownIn(located: Located, source: SnapshotSource, entry: Entry): ViewEntry {
  const base = source.root === "/" ? "" : source.root;
  return located.shown({ path: `${base}/${entryPath(entry)}`, entry, source });
}
