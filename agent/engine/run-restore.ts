import { existsSync, lstatSync } from "node:fs";
import { hostname } from "node:os";
import type { SnapshotReference } from "#agent/arguments/snapshot-reference.ts";
import type { RestoreRequest } from "#agent/commands/engine.ts";
import { FilesystemExporter } from "#agent/exporters/filesystem-exporter.ts";
import { displayPath } from "#agent/filesystem/display-path.ts";
import { makePath } from "#agent/filesystem/make-path.ts";
import { nodePath } from "#agent/filesystem/node-path.ts";
import { realPath } from "#agent/filesystem/real-path.ts";
import { resolveParents } from "#agent/filesystem/resolve-parents.ts";
import { followedLinkOption } from "#shared/connectors/importer.ts";
import { type Entry, entryPath, entryTypes } from "#shared/format/entry.ts";
import type { SnapshotSource } from "#shared/format/snapshot.ts";
import type { Report } from "#shared/operations/progress.ts";
import { planRestore } from "#shared/operations/restore/plan-restore.ts";
import type { RestoreItem } from "#shared/operations/restore/restore-options.ts";
import { restore } from "#shared/operations/restore/restore.ts";
import { snapshotReader } from "#shared/snapshot/snapshot-reader.ts";
import { relativeTo, SnapshotTree } from "#shared/snapshot/snapshot-tree.ts";
import { findEntry, isBelow, readEntries, readSubtree, subtreeTotals, type TreeKey } from "#shared/tree/read-tree.ts";
import { HoldfastError, isHoldfastError } from "#shared/errors.ts";
import type { EngineParts } from "./engine-parts.ts";
import { findSnapshot } from "./find-snapshots.ts";
import { type Session, threadsOf } from "./session.ts";

/** Sealed bytes on their way at once: from a disk of this machine, and over a line with a latency to fill. */
const inFlightBytes = { near: 32 * 1024 * 1024, far: 96 * 1024 * 1024 };

/** Part of a snapshot's source and the directory that it is restored below. */
type Placement = { readonly source: SnapshotSource; readonly root: string; readonly item: RestoreItem };

/** Restores what a request names, and reports. */
export async function runRestore(parts: EngineParts, session: Session, request: RestoreRequest): Promise<Report> {
  const { repository } = session;
  const snapshot = await findSnapshot(repository, request.reference.snapshot, parts.reporter);
  if (request.target === undefined) requireThisHost(request.reference.snapshot, snapshot.header.host);
  const tree = new SnapshotTree(snapshot, await snapshotReader(repository, snapshot.id));
  const placements = await placementsOf(tree, request);
  for (const { root, item } of placements) requireWay(root, item.ancestors);
  const { overwrite, xattrs, sparse } = request;
  const items = placements.map(({ source, root, item }) => ({
    item,
    makesRoot: !existsSync(nodePath(root)),
    open: (makesRoot: boolean) => {
      const { userNames, groupNames } = source;
      return new FilesystemExporter({
        root,
        makesRoot,
        overwrite,
        xattrs,
        sparse,
        owners: { how: request.owners, userNames, groupNames },
      });
    },
    root,
  }));
  if (request.dryRun) {
    const plan = await planRestore(
      items.map(({ item, root, open }) => ({ item, exporter: existsSync(nodePath(root)) ? open(false) : undefined })),
      parts.reporter,
    );
    return { operation: "restore", outcome: plan.errors > 0 ? "partial" : "ok", facts: { dryRun: true, ...plan } };
  }
  for (const { root } of items) makeTarget(root);
  const report = await restore({
    repository,
    snapshot: snapshot.id,
    items: items.map(({ item, makesRoot, open }) => ({ item, exporter: open(makesRoot) })),
    threads: threadsOf(parts),
    inFlightBytes: parts.storeDirectory === undefined ? inFlightBytes.far : inFlightBytes.near,
    reporter: parts.reporter,
    signal: parts.signal,
  });
  const damaged = report.damaged > 0;
  return {
    operation: "restore",
    outcome: damaged ? "corrupt" : report.failed + report.problems > 0 ? "partial" : "ok",
    facts: {
      snapshot: snapshot.id,
      host: snapshot.header.host,
      entries: report.entries,
      files: report.files,
      kept: report.kept,
      restoredBytes: report.restoredBytes,
      fetchedBytes: report.fetchedBytes,
      failed: report.failed,
      attributesNotRestored: report.problems,
      ...(report.undescribed === 0 ? {} : { directoriesWithoutMetadata: report.undescribed }),
      ...(report.condemnedPacks === 0 ? {} : { condemnedPacks: report.condemnedPacks }),
      durationMs: report.durationMs,
    },
  };
}

async function placementsOf(tree: SnapshotTree, request: RestoreRequest): Promise<Placement[]> {
  const { target } = request;
  const path = request.reference.path;
  if (path === undefined || path === "/") {
    return Promise.all(tree.snapshot.header.sources.map((source) => wholeSource(tree, source, target)));
  }
  // Where damage hides what a path names, it counts as a directory: what is below it may be there still.
  const place = await unlessDamaged(tree.find(path));
  const source = place instanceof HoldfastError ? tree.sourceOf(path) : place.source;
  if (source === undefined) {
    const below = tree.snapshot.header.sources.filter((each) => isBelow(each.root, path));
    return Promise.all(below.map((each) => wholeSource(tree, each, target, path)));
  }
  const entry = place instanceof HoldfastError ? place : place.entry;
  const rel = relativeTo(source.root, path);
  const name = path.slice(path.lastIndexOf("/") + 1);
  if (!mayBeDirectory(entry) || target === undefined) {
    return [
      await (target === undefined
        ? subtreeInto(tree, source, rel, "/", placeOnHost(path, source))
        : subtreeInto(tree, source, rel, target, name)),
    ];
  }
  const totals = await totalsBelow(tree, source, rel);
  const below: RestoreItem["entries"] = (onLost) => readSubtree(source.tree, tree.readNode, rel, { onLost });
  const item: RestoreItem = {
    // The target becomes the directory itself; one that was there and is to be left alone only takes what is in it.
    entries: request.overwrite === "never" && existsSync(nodePath(target)) ? below : withItself(entry, rel, below),
    targetOf: (each) => (rel === "" ? entryPath(each) : relativeTo(rel, entryPath(each))),
    ancestors: [],
    totalEntries: totals?.entries,
    totalBytes: totals?.totalBytes,
  };
  return [{ source, root: target, item }];
}

/** A whole source: below `target` under its full path (less `above`), or where it came from. */
async function wholeSource(
  tree: SnapshotTree,
  source: SnapshotSource,
  target: string | undefined,
  above = "/",
): Promise<Placement> {
  if (source.root === "/") {
    const item: RestoreItem = {
      entries: (onLost) => readEntries(source.tree, tree.readNode, undefined, { onLost }),
      targetOf: entryPath,
      ancestors: [],
      totalEntries: source.tree.entries,
      totalBytes: source.tree.totalBytes,
    };
    return { source, root: target ?? "/", item };
  }
  if (target === undefined) return subtreeInto(tree, source, "", "/", placeOnHost(source.root, source));
  return subtreeInto(tree, source, "", target, relativeTo(above, source.root));
}

/** An entry of a source and everything below it, as `name` (a path) below a directory. */
async function subtreeInto(
  tree: SnapshotTree,
  source: SnapshotSource,
  rel: string,
  root: string,
  name: string,
): Promise<Placement> {
  const entry = await unlessDamaged(findEntry(source.tree, tree.readNode, rel));
  if (entry === undefined) throw new HoldfastError("corrupt", "Cannot read the root of a tree: it is not there");
  const isFile = !(entry instanceof HoldfastError) && entry.type !== entryTypes.directory;
  const totals = isFile ? { entries: 0, totalBytes: entry.size } : await totalsBelow(tree, source, rel);
  const item: RestoreItem = {
    entries: withItself(entry, rel, (onLost) => readSubtree(source.tree, tree.readNode, rel, { onLost })),
    targetOf: (each) => (each === entry ? name : `${name}/${relativeTo(rel, entryPath(each)).replace(/^\//, "")}`),
    ancestors: ["", ...ancestorsOf(name)].map((path) => ({ path, entry: undefined })),
    totalEntries: totals === undefined ? undefined : totals.entries + 1,
    totalBytes: totals?.totalBytes,
  };
  return {
    source,
    root,
    item: rel === "" ? { ...item, targetOf: (each) => (each === entry ? name : `${name}/${entryPath(each)}`) } : item,
  };
}

/** @throws {HoldfastError} invalid: what goes back to its place is of another host, which nobody named */
function requireThisHost(reference: SnapshotReference, host: string): void {
  if (reference.by === "prefix" || reference.line?.host !== undefined || host === hostname()) return;
  throw new HoldfastError("invalid", `Cannot restore in place: that snapshot is of another host, ${host}`, {
    hint: `If it is meant, name the host (latest@${host}) or the id of the snapshot; or restore with --to.`,
  });
}

/** An entry and what is below it; of an entry that is lost to damage, what is below its path. */
function withItself(entry: Entry | HoldfastError, path: string, below: RestoreItem["entries"]): RestoreItem["entries"] {
  return async function* entries(onLost) {
    if (entry instanceof HoldfastError) onLost({ last: keyOf(path), entries: 1, totalBytes: 0, error: entry });
    else yield entry;
    if (mayBeDirectory(entry)) yield* below(onLost);
  };
}

function mayBeDirectory(entry: Entry | HoldfastError): boolean {
  return entry instanceof HoldfastError || entry.type === entryTypes.directory;
}

async function totalsBelow(
  tree: SnapshotTree,
  source: SnapshotSource,
  rel: string,
): Promise<{ readonly entries: number; readonly totalBytes: number } | undefined> {
  const totals = await unlessDamaged(subtreeTotals(source.tree, tree.readNode, rel));
  return totals instanceof HoldfastError ? undefined : totals;
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
  return (isLink ? realPath(path) : resolveParents(path)).slice(1);
}

/** Makes the directory that is restored into. Nobody else may look in before the permissions of what is restored are back. */
function makeTarget(root: string): void {
  if (existsSync(nodePath(root))) return;
  const above = root.slice(0, Math.max(1, root.lastIndexOf("/")));
  makePath(above);
  makePath(root, 0o700);
}

/** @throws {HoldfastError} conflict: something else than a directory is where one is to lead to what is restored */
function requireWay(root: string, ancestors: RestoreItem["ancestors"]): void {
  for (const { path } of ancestors) {
    if (path === "") continue;
    const full = `${root === "/" ? "" : root}/${path}`;
    const found = lstatSync(nodePath(full), { throwIfNoEntry: false });
    if (found === undefined) return;
    if (found.isDirectory()) continue;
    const what = found.isSymbolicLink() ? "a symbolic link" : "something that is no directory";
    throw new HoldfastError("conflict", `Cannot restore below ${displayPath(full)}: ${what} is in its place`, {
      hint: "Nothing was changed. Move it away, or restore into another directory.",
    });
  }
}

/** The directories that lead to a relative path, from the top. */
function ancestorsOf(path: string): string[] {
  const ancestors: string[] = [];
  for (let slash = path.indexOf("/"); slash >= 0; slash = path.indexOf("/", slash + 1))
    ancestors.push(path.slice(0, slash));
  return ancestors;
}
