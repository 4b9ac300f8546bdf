import { existsSync, lstatSync } from "node:fs";
import { hostname } from "node:os";
import type { SnapshotReference } from "#agent/arguments/snapshot-reference.ts";
import type { RestoreRequest } from "#agent/commands/engine.ts";
import { FilesystemExporter } from "#agent/exporters/filesystem-exporter.ts";
import { displayPath } from "#agent/filesystem/display-path.ts";
import { makePath } from "#agent/filesystem/make-path.ts";
import { nodePath } from "#agent/filesystem/node-path.ts";
import type { Report, Reporter } from "#shared/operations/progress.ts";
import { planRestore } from "#shared/operations/restore/plan-restore.ts";
import type { RestoreItem } from "#shared/operations/restore/restore-options.ts";
import { restore } from "#shared/operations/restore/restore.ts";
import { snapshotReader } from "#shared/snapshot/snapshot-reader.ts";
import { SnapshotTree } from "#shared/snapshot/snapshot-tree.ts";
import type { Entry } from "#shared/format/entry.ts";
import { HoldfastError } from "#shared/errors.ts";
import type { EngineParts } from "./engine-parts.ts";
import { findSnapshot } from "./find-snapshots.ts";
import { type Placement, placementsOf } from "./restore-placements.ts";
import { RestoreSelection } from "./restore-selection.ts";
import { type Session, threadsOf } from "./session.ts";

const unmappedAcl =
  "ACLs of NFS version 4 are restored as they are: users and groups that they give by number are not mapped by name";
/** Sealed bytes on their way at once: from a disk of this machine, and over a line with a latency to fill. */
const inFlightBytes = { near: 32 * 1024 * 1024, far: 96 * 1024 * 1024 };

/** Restores what a request names, and reports. */
export async function runRestore(parts: EngineParts, session: Session, request: RestoreRequest): Promise<Report> {
  const { repository } = session;
  const snapshot = await findSnapshot(repository, request.reference.snapshot, parts.reporter);
  if (request.target === undefined) requireThisHost(request.reference.snapshot, snapshot.header.host);
  const tree = new SnapshotTree(snapshot, await snapshotReader(repository, snapshot.id));
  const placements = await placementsOf(tree, request);
  for (const { root, item } of placements) requireWay(root, item.ancestors);
  const selection = new RestoreSelection(
    { includes: request.includes ?? [], excludes: request.excludes ?? [] },
    snapshot.header.sources.map((source) => source.root),
  );
  const { overwrite, xattrs, sparse } = request;
  let isAclTold = false;
  const onUnmappedAcl = (): void => {
    if (!isAclTold) parts.reporter.notice({ level: "warning", message: unmappedAcl });
    isAclTold = true;
  };
  const items = placements.map(({ names, root, from, item }) => ({
    item: selection.choosesAll ? item : selectedItem(tree, selection, from, item),
    makesRoot: !existsSync(nodePath(root)),
    open: (makesRoot: boolean) => {
      return new FilesystemExporter({
        root,
        makesRoot,
        overwrite,
        xattrs,
        sparse,
        owners: { how: request.owners, ...names },
        onUnmappedAcl,
      });
    },
    root,
  }));
  if (request.dryRun) {
    const plan = await planRestore(
      items.map(({ item, root, open }) => ({
        item,
        root,
        exporter: existsSync(nodePath(root)) ? open(false) : undefined,
      })),
      { reporter: parts.reporter, onEntry: request.onEntry },
    );
    warnOfUnmatched(selection, parts.reporter);
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
    onEntry: request.onEntry,
    signal: parts.signal,
  });
  warnOfUnmatched(selection, parts.reporter);
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

/** What the patterns choose of an item. How much that is is not known before. */
function selectedItem(
  tree: SnapshotTree,
  selection: RestoreSelection,
  from: Placement["from"],
  item: RestoreItem,
): RestoreItem {
  const base = from.root === "/" ? "" : from.root;
  const find = async (path: string): Promise<Entry> => {
    const { entry } = await tree.find(`${base}/${path}`);
    const slash = path.lastIndexOf("/");
    return { ...entry, dir: slash < 0 ? "" : path.slice(0, slash), name: path.slice(slash + 1) };
  };
  const entries = selection.choose(from, item.entries, find);
  return { ...item, entries, totalEntries: undefined, totalBytes: undefined };
}

function warnOfUnmatched(selection: RestoreSelection, reporter: Pick<Reporter, "notice">): void {
  const { unmatched } = selection;
  if (unmatched.length === 0) return;
  const lines = unmatched.map((line) => JSON.stringify(Buffer.from(line, "latin1").toString("utf8"))).join(", ");
  reporter.notice({ level: "warning", message: `Patterns that matched nothing of what was to be restored: ${lines}.` });
}

/** @throws {HoldfastError} invalid: what goes back to its place is of another host, which nobody named */
function requireThisHost(reference: SnapshotReference, host: string): void {
  if (reference.by === "prefix" || reference.line?.host !== undefined || host === hostname()) return;
  throw new HoldfastError("invalid", `Cannot restore in place: that snapshot is of another host, ${host}`, {
    hint: `If it is meant, name the host (latest@${host}) or the id of the snapshot; or restore with --to.`,
  });
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
