import { compareEntryKeys, type Entry, entryPath, entryTypes, emptyEntry } from "#shared/format/entry.ts";
import type { SnapshotSource } from "#shared/format/snapshot.ts";
import { decodeTreeNode, type TreeNode } from "#shared/format/tree-node.ts";
import { HoldfastError } from "#shared/errors.ts";
import {
  findEntry,
  isBelow,
  nodeName,
  readDirectory,
  readSubtree,
  type ReadNode,
  type ReadOptions,
} from "#shared/tree/read-tree.ts";
import { composeEntries, type SourceEntry } from "./compose-entries.ts";
import type { Snapshot } from "./read-snapshot.ts";
import { recordedParents } from "./recorded-parents.ts";
import type { ReadsBlobs } from "./snapshot-reader.ts";

/** Something that a path of a snapshot names. */
export type SnapshotPlace = {
  /** Absolute path, one char per byte, without a closing slash; "/" is the root of all. */
  readonly path: string;
  /** The entry; of directories that only lead to sources, one that is made up. */
  readonly entry: Entry;
  /** The source it is in; undefined for directories that only lead to sources. */
  readonly source: SnapshotSource | undefined;
  /** Of a directory that only leads to sources: the one that recorded what it was; undefined: none did. */
  readonly describedBy?: SnapshotSource | undefined;
};

/** An entry below a place, with the absolute path by which it is found again. */
export type PlacedEntry = SnapshotPlace;

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
    if (this.#leadsToSource(path)) return { path, source: undefined, ...this.#recorded(path) };
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
    const leading = this.#namesToSources(place.path).filter((name) => name > after);
    if (place.source !== undefined) {
      const { root, tree } = place.source;
      for await (const entry of readDirectory(tree, this.readNode, relativeTo(root, place.path), after)) {
        while ((leading[0] ?? "") !== "" && leading[0]! < entry.name) yield await this.#leading(base, leading.shift()!);
        if (leading[0] === entry.name) yield await this.#leading(base, leading.shift()!);
        else yield { path: `${base}/${entry.name}`, entry, source: place.source };
      }
    }
    for (const name of leading) yield await this.#leading(base, name);
  }

  /** A directory that leads to a source, or a source's root, as a child. */
  async #leading(base: string, name: string): Promise<PlacedEntry> {
    const child = await this.find(`${base}/${name}`);
    return { ...child, entry: { ...child.entry, name } };
  }

  /** Everything below a place, itself not included; parents come before what is in them. */
  async *below(place: SnapshotPlace): AsyncGenerator<PlacedEntry> {
    if (place.source !== undefined) {
      const { root } = place.source;
      const base = root === "/" ? "" : root;
      for await (const { entry, source } of this.#composed(place.source, relativeTo(root, place.path), {})) {
        yield { path: `${base}/${entryPath(entry)}`, entry, source };
      }
      return;
    }
    for await (const child of this.list(place)) {
      yield child;
      if (child.entry.type === entryTypes.directory) yield* this.below(child);
    }
  }

  /**
   * Everything below a directory of a source in the order of keys, relative to the root of that source: as on the host, with the other sources
   * whose roots lie below the directory in their places.
   *
   * @param rel - the directory, relative to the root of the source
   */
  async *entriesBelow(source: SnapshotSource, rel: string, options: ReadOptions = {}): AsyncGenerator<Entry> {
    if (this.innerSources(absolute(source.root, rel)).length === 0)
      yield* readSubtree(source.tree, this.readNode, rel, options);
    else for await (const { entry } of this.#composed(source, rel, options)) yield entry;
  }

  async *#composed(source: SnapshotSource, rel: string, options: ReadOptions): AsyncGenerator<SourceEntry> {
    const inner = this.innerSources(absolute(source.root, rel));
    if (inner.length === 0) {
      for await (const entry of readSubtree(source.tree, this.readNode, rel, options)) yield { entry, source };
      return;
    }
    const sources = [source, ...inner].map((each) => ({ source: each, at: relativeTo(source.root, each.root) }));
    const madeUp = await this.#madeUpBelow(source, rel, inner);
    yield* composeEntries(sources, this.readNode, rel, { ...options, madeUp });
  }

  /** Directories below one of a source that only lead to other sources: it does not hold them. */
  async #madeUpBelow(source: SnapshotSource, rel: string, inner: readonly SnapshotSource[]): Promise<SourceEntry[]> {
    const paths = new Set<string>();
    for (const { root } of inner) {
      const path = relativeTo(source.root, root);
      for (let slash = path.indexOf("/", rel.length + 1); slash >= 0; slash = path.indexOf("/", slash + 1))
        paths.add(path.slice(0, slash));
    }
    const found: SourceEntry[] = [];
    for (const path of paths) {
      const place = await this.find(absolute(source.root, path));
      if (place.source !== undefined) continue;
      const slash = path.lastIndexOf("/");
      const entry = { ...place.entry, dir: path.slice(0, Math.max(0, slash)), name: path.slice(slash + 1) };
      found.push({ entry, source: place.describedBy ?? source });
    }
    return found.sort((left, right) =>
      compareEntryKeys(left.entry.dir, left.entry.name, right.entry.dir, right.entry.name),
    );
  }

  /** The sources whose roots lie below a path, and not at it. */
  innerSources(path: string): SnapshotSource[] {
    const below = path === "/" ? "" : path;
    return this.snapshot.header.sources.filter(({ root }) => root !== "/" && root !== path && isBelow(root, below));
  }

  /** The sources at or below a path that lie in no other one. */
  topSources(path: string): SnapshotSource[] {
    const { sources } = this.snapshot.header;
    return sources.filter(
      ({ root }) => (path === "/" || isBelow(root, path)) && !sources.some((other) => lies(root, other.root)),
    );
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

  /** What the snapshot recorded of a directory that leads to a source, or one that is made up. */
  #recorded(path: string): Pick<SnapshotPlace, "entry" | "describedBy"> {
    for (const source of this.snapshot.header.sources) {
      if (path !== "/" && !isBelow(source.root, path)) continue;
      const entry = recordedParents(source).get(path);
      if (entry !== undefined) return { entry, describedBy: source };
    }
    return { entry: madeUpDirectory(), describedBy: undefined };
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

/** Whether a root lies in another one. */
function lies(inner: string, outer: string): boolean {
  return inner !== outer && (outer === "/" || isBelow(inner, outer));
}

/** The path of something relative to a root. */
function absolute(root: string, rel: string): string {
  if (rel === "") return root;
  return root === "/" ? `/${rel}` : `${root}/${rel}`;
}

function madeUpDirectory(): Entry {
  const entry = emptyEntry("", "", entryTypes.directory);
  entry.mode = 0o755;
  return entry;
}
