import { type Entry, entryPath, entryTypes, emptyEntry } from "#shared/format/entry.ts";
import type { SnapshotSource } from "#shared/format/snapshot.ts";
import { decodeTreeNode, type TreeNode } from "#shared/format/tree-node.ts";
import { HoldfastError } from "#shared/errors.ts";
import { findEntry, isBelow, nodeName, readDirectory, readSubtree, type ReadNode } from "#shared/tree/read-tree.ts";
import type { Snapshot } from "./read-snapshot.ts";
import type { ReadsBlobs } from "./snapshot-reader.ts";

/** Something that a path of a snapshot names. */
export type SnapshotPlace = {
  /** Absolute path, one char per byte, without a closing slash; "/" is the root of all. */
  readonly path: string;
  /** The entry; of directories that only lead to sources, one that is made up. */
  readonly entry: Entry;
  /** The source it is in; undefined for directories that only lead to sources. */
  readonly source: SnapshotSource | undefined;
};

/** An entry below a place, with the absolute path by which it is found again. */
export type PlacedEntry = { readonly path: string; readonly entry: Entry; readonly source: SnapshotSource | undefined };

/** The sources of a snapshot seen as one tree of absolute paths, as they were on their host. */
export class SnapshotTree {
  readonly snapshot: Snapshot;
  readonly readNode: ReadNode;

  /** @param reader - reads blobs, or decoded nodes where somebody keeps them */
  constructor(snapshot: Snapshot, reader: ReadsBlobs | ReadNode) {
    this.snapshot = snapshot;
    this.readNode =
      typeof reader === "function"
        ? reader
        : async (nodeId): Promise<TreeNode> =>
            decodeTreeNode(await reader.readNode(nodeId), `tree node ${nodeName(nodeId)}`);
  }

  /** What a path names. @throws {HoldfastError} absent: nothing */
  async find(path: string): Promise<SnapshotPlace> {
    const source = this.sourceOf(path);
    if (source !== undefined) {
      const entry = await findEntry(source.tree, this.readNode, relativeTo(source.root, path));
      if (entry !== undefined) return { path, entry, source };
    }
    if (this.#leadsToSource(path)) return { path, entry: madeUpDirectory(), source: undefined };
    throw new HoldfastError(
      "absent",
      `Cannot find ${JSON.stringify(path)} in snapshot ${this.snapshot.id.slice(0, 8)}`,
      {
        hint: "List what is there with `holdfast ls SNAPSHOT:PATH`.",
      },
    );
  }

  /** The children of a directory, in order of their names, from the first greater than `after`. */
  async *list(place: SnapshotPlace, after = ""): AsyncGenerator<PlacedEntry> {
    const base = place.path === "/" ? "" : place.path;
    if (place.source !== undefined) {
      const { root, tree } = place.source;
      for await (const entry of readDirectory(tree, this.readNode, relativeTo(root, place.path), after)) {
        yield { path: `${base}/${entry.name}`, entry, source: place.source };
      }
      return;
    }
    for (const name of this.#namesToSources(place.path)) {
      if (name <= after) continue;
      const child = await this.find(`${base}/${name}`);
      yield { ...child, entry: { ...child.entry, name } };
    }
  }

  /** Everything below a place, itself not included; parents come before what is in them. */
  async *below(place: SnapshotPlace): AsyncGenerator<PlacedEntry> {
    if (place.source !== undefined) {
      const { root, tree } = place.source;
      const base = root === "/" ? "" : root;
      for await (const entry of readSubtree(tree, this.readNode, relativeTo(root, place.path))) {
        yield { path: `${base}/${entryPath(entry)}`, entry, source: place.source };
      }
      return;
    }
    for await (const child of this.list(place)) {
      yield child;
      if (child.entry.type === entryTypes.directory) yield* this.below(child);
    }
  }

  /** The source with the longest root at or above a path. */
  sourceOf(path: string): SnapshotSource | undefined {
    let found: SnapshotSource | undefined;
    for (const source of this.snapshot.header.sources) {
      const holds = source.root === "/" || isBelow(path, source.root);
      if (holds && (found === undefined || source.root.length > found.root.length)) found = source;
    }
    return found;
  }

  #leadsToSource(path: string): boolean {
    return path === "/" || this.snapshot.header.sources.some((source) => isBelow(source.root, path));
  }

  #namesToSources(path: string): string[] {
    const prefix = path === "/" ? "/" : `${path}/`;
    const names = new Set<string>();
    for (const { root } of this.snapshot.header.sources) {
      if (root.startsWith(prefix) && root !== "/") names.add(root.slice(prefix.length).split("/")[0] ?? "");
    }
    return [...names].filter((name) => name !== "").sort();
  }
}

/** A path below a root, relative to it; "" is the root. */
export function relativeTo(root: string, path: string): string {
  if (path === root) return "";
  return root === "/" ? path.slice(1) : path.slice(root.length + 1);
}

function madeUpDirectory(): Entry {
  const entry = emptyEntry("", "", entryTypes.directory);
  entry.mode = 0o755;
  return entry;
}
