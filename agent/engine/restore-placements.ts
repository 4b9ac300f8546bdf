import { existsSync, lstatSync } from "node:fs";
import type { RestoreRequest } from "#agent/commands/engine.ts";
import { nodePath } from "#agent/filesystem/node-path.ts";
import { resolveParents } from "#agent/filesystem/resolve-parents.ts";
import { followedLinkOption } from "#shared/connectors/importer.ts";
import { HoldfastError, isHoldfastError } from "#shared/errors.ts";
import { type Entry, entryPath, entryTypes } from "#shared/format/entry.ts";
import type { SnapshotSource } from "#shared/format/snapshot.ts";
import type { Ancestor, RestoreItem } from "#shared/operations/restore/restore-options.ts";
import { relativeTo, type SnapshotTree } from "#shared/snapshot/snapshot-tree.ts";
import { findEntry, isBelow, subtreeTotals, type TreeKey } from "#shared/tree/read-tree.ts";

/** Part of a snapshot and the directory that it is restored below. */
export type Placement = {
  /** Names of the owners and groups that occur in it. */
  readonly names: Pick<SnapshotSource, "userNames" | "groupNames">;
  /** The root of the source whose entries it has, and where in it the item begins. */
  readonly from: { readonly root: string; readonly rel: string };
  /** Absolute and binary. */
  readonly root: string;
  readonly item: RestoreItem;
};

/**
 * What a request restores, and where to. Sources that lie in one another are one part.
 *
 * @throws {HoldfastError} absent: the snapshot has no such path; conflict: as `resolveParents`
 */
export async function placementsOf(tree: SnapshotTree, request: RestoreRequest): Promise<Placement[]> {
  const { target, paths = [] } = request;
  if (paths.length > 0) {
    const tops = paths.filter((path) => !paths.some((other) => other !== path && isBelow(path, other)));
    const each = await Promise.all([...new Set(tops)].map((path) => underFullPath(tree, path, target)));
    return each.flat();
  }
  const path = request.reference.path ?? "/";
  // Where damage hides what a path names, it counts as a directory: what is below it may be there still.
  const place = path === "/" ? undefined : await unlessDamaged(tree.find(path));
  const source = place instanceof HoldfastError ? tree.sourceOf(path) : place?.source;
  if (source === undefined || place === undefined)
    return Promise.all(tree.topSources(path).map((each) => wholeSource(tree, each, target, path)));
  const entry = place instanceof HoldfastError ? place : place.entry;
  const rel = relativeTo(source.root, path);
  const name = path.slice(path.lastIndexOf("/") + 1);
  if (!mayBeDirectory(entry) || target === undefined) {
    return [
      await (target === undefined
        ? subtreeInto(tree, { source, rel }, "/", placeOnHost(path, source))
        : subtreeInto(tree, { source, rel }, target, name)),
    ];
  }
  const totals = await totalsBelow(tree, source, rel);
  const below: RestoreItem["entries"] = (onLost) => tree.entriesBelow(source, rel, { onLost });
  const item: RestoreItem = {
    // The target becomes the directory itself; one that was there and is to be left alone only takes what is in it.
    entries: request.overwrite === "never" && existsSync(nodePath(target)) ? below : withItself(entry, rel, below),
    targetOf: (each) => (rel === "" ? entryPath(each) : relativeTo(rel, entryPath(each))),
    ancestors: [],
    totalEntries: totals?.entries,
    totalBytes: totals?.totalBytes,
  };
  return [{ names: namesBelow(tree, source), from: { root: source.root, rel }, root: target, item }];
}

/** A path of the snapshot: below `target` under its full path, or where it came from. */
async function underFullPath(tree: SnapshotTree, path: string, target: string | undefined): Promise<Placement[]> {
  const place = path === "/" ? undefined : await unlessDamaged(tree.find(path));
  const source = place instanceof HoldfastError ? tree.sourceOf(path) : place?.source;
  if (source === undefined)
    return Promise.all(tree.topSources(path).map((each) => wholeSource(tree, each, target, "/")));
  const rel = relativeTo(source.root, path);
  const name = target === undefined ? placeOnHost(path, source) : path.slice(1);
  return [await subtreeInto(tree, { source, rel }, target ?? "/", name)];
}

/** A whole source: below `target` under its full path (less `above`), or where it came from. */
async function wholeSource(
  tree: SnapshotTree,
  source: SnapshotSource,
  target: string | undefined,
  above: string,
): Promise<Placement> {
  if (source.root !== "/") {
    return target === undefined
      ? subtreeInto(tree, { source, rel: "" }, "/", placeOnHost(source.root, source))
      : subtreeInto(tree, { source, rel: "" }, target, relativeTo(above, source.root));
  }
  const root = await unlessDamaged(requireRoot(tree, source));
  const totals = await totalsBelow(tree, source, "");
  const item: RestoreItem = {
    entries: withItself(root, "", (onLost) => tree.entriesBelow(source, "", { onLost })),
    targetOf: entryPath,
    ancestors: [],
    totalEntries: totals === undefined ? undefined : totals.entries + 1,
    totalBytes: totals?.totalBytes,
  };
  return { names: namesBelow(tree, source), from: { root: source.root, rel: "" }, root: target ?? "/", item };
}

/** An entry of a source and everything below it, as `name` (a path) below a directory. */
async function subtreeInto(
  tree: SnapshotTree,
  { source, rel }: { readonly source: SnapshotSource; readonly rel: string },
  root: string,
  name: string,
): Promise<Placement> {
  const entry = await unlessDamaged(rel === "" ? requireRoot(tree, source) : requireEntry(tree, source, rel));
  const isFile = !mayBeDirectory(entry);
  const totals = isFile ? { entries: 0, totalBytes: entry.size } : await totalsBelow(tree, source, rel);
  const targetOf = (each: Entry): string => {
    if (each === entry) return name;
    return `${name}/${rel === "" ? entryPath(each) : relativeTo(rel, entryPath(each))}`;
  };
  const path = rel === "" ? source.root : source.root === "/" ? `/${rel}` : `${source.root}/${rel}`;
  const item: RestoreItem = {
    entries: withItself(entry, rel, (onLost) => tree.entriesBelow(source, rel, { onLost })),
    targetOf,
    ancestors: await ancestorsOf(tree, { root, name, path }),
    totalEntries: totals === undefined ? undefined : totals.entries + 1,
    totalBytes: totals?.totalBytes,
  };
  return { names: namesBelow(tree, source), from: { root: source.root, rel }, root, item };
}

async function requireRoot(tree: SnapshotTree, source: SnapshotSource): Promise<Entry> {
  return requireEntry(tree, source, "");
}

async function requireEntry(tree: SnapshotTree, source: SnapshotSource, rel: string): Promise<Entry> {
  const entry = await findEntry(source.tree, tree.readNode, rel);
  if (entry === undefined) throw new HoldfastError("corrupt", "Cannot read the root of a tree: it is not there");
  return entry;
}

/** An entry and what is below it; of an entry that is lost to damage, what is below its path. */
function withItself(entry: Entry | HoldfastError, path: string, below: RestoreItem["entries"]): RestoreItem["entries"] {
  return async function* entries(onLost) {
    if (entry instanceof HoldfastError) onLost({ last: keyOf(path), entries: 1, totalBytes: 0, error: entry });
    else yield entry;
    if (mayBeDirectory(entry)) yield* below(onLost);
  };
}

function mayBeDirectory(entry: Entry | HoldfastError): entry is HoldfastError | (Entry & { type: 1 }) {
  return entry instanceof HoldfastError || entry.type === entryTypes.directory;
}

/** How much lies below a directory of a source, with the sources that lie in it. */
async function totalsBelow(
  tree: SnapshotTree,
  source: SnapshotSource,
  rel: string,
): Promise<{ readonly entries: number; readonly totalBytes: number } | undefined> {
  const totals = await unlessDamaged(subtreeTotals(source.tree, tree.readNode, rel));
  if (totals instanceof HoldfastError) return undefined;
  const path = rel === "" ? source.root : source.root === "/" ? `/${rel}` : `${source.root}/${rel}`;
  for (const inner of tree.innerSources(path)) {
    totals.entries += inner.tree.entries;
    totals.totalBytes += inner.tree.totalBytes;
  }
  return totals;
}

/** The names of owners and groups in a source and in those that lie in it. */
function namesBelow(tree: SnapshotTree, source: SnapshotSource): Placement["names"] {
  const sources = [...tree.innerSources(source.root), source];
  return {
    userNames: new Map(sources.flatMap(({ userNames }) => [...userNames])),
    groupNames: new Map(sources.flatMap(({ groupNames }) => [...groupNames])),
  };
}

/** What was read, or the error that tells of damage. */
async function unlessDamaged<Found>(read: Promise<Found>): Promise<Found | HoldfastError> {
  try {
    return await read;
  } catch (error) {
    if (!isHoldfastError(error, "corrupt", "incompatible")) throw error;
    return error;
  }
}

function keyOf(path: string): TreeKey {
  const slash = path.lastIndexOf("/");
  return { dir: slash < 0 ? "" : path.slice(0, slash), name: path.slice(slash + 1) };
}

/**
 * Where a path of this host goes, relative to "/". From there on it goes down one directory at a time, and no link is followed: one that is put in
 * the way meanwhile leads nowhere. The root of a source that was a link goes where the link leads.
 */
function placeOnHost(path: string, { root, options }: SnapshotSource): string {
  const followsLink = path === root && options.has(followedLinkOption);
  const isLink = followsLink && lstatSync(nodePath(path), { throwIfNoEntry: false })?.isSymbolicLink() === true;
  if (!isLink) return resolveParents(path).slice(1);
  const inside = resolveParents(`${path}/_`);
  return inside.slice(1, inside.lastIndexOf("/"));
}

/**
 * The root and the directories that lead to `name` below it, from the top. Those that are not there yet come with what the snapshot knows of
 * them.
 *
 * @param place.path - what `name` is in the snapshot; links on this host may give the two other directories above, but not those that are missing
 */
async function ancestorsOf(
  tree: SnapshotTree,
  { root, name, path }: { readonly root: string; readonly name: string; readonly path: string },
): Promise<Ancestor[]> {
  const here = parentsOf(name);
  const there = parentsOf(path.slice(1));
  const ancestors: Ancestor[] = [{ path: "", entry: undefined }];
  for (const [index, each] of here.entries()) {
    const known = there[there.length - here.length + index];
    const isMissing = !existsSync(nodePath(`${root === "/" ? "" : root}/${each}`));
    const entry = isMissing && known !== undefined ? await knownDirectory(tree, `/${known}`) : undefined;
    ancestors.push({ path: each, entry });
  }
  return ancestors;
}

/** What the snapshot knows of a directory: its entry, or what was recorded of it. */
async function knownDirectory(tree: SnapshotTree, path: string): Promise<Entry | undefined> {
  const place = await unlessDamaged(tree.find(path));
  if (place instanceof HoldfastError || (place.source === undefined && place.describedBy === undefined))
    return undefined;
  return place.entry.type === entryTypes.directory ? place.entry : undefined;
}

/** The directories that lead to a relative path, from the top. */
function parentsOf(path: string): string[] {
  const parents: string[] = [];
  for (let slash = path.indexOf("/"); slash >= 0; slash = path.indexOf("/", slash + 1))
    parents.push(path.slice(0, slash));
  return parents;
}
