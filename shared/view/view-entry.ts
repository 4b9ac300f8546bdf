import { type Entry, entryTypes, emptyEntry } from "#shared/format/entry.ts";
import type { PlacedEntry } from "#shared/snapshot/snapshot-tree.ts";
import { contentTag } from "./content-tag.ts";
import { type SnapshotSummary, type ViewEntry, viewEntryTypes } from "./view.ts";

/** An entry of a snapshot as a view shows it at `path`. */
export function viewEntry(path: string, place: PlacedEntry, snapshot?: SnapshotSummary): ViewEntry {
  const { entry } = place;
  const names = place.source ?? place.describedBy;
  return {
    path,
    name: path.slice(path.lastIndexOf("/") + 1),
    type: viewEntryTypes[entry.type],
    sizeBytes: entry.size,
    mode: entry.mode,
    uid: entry.uid,
    gid: entry.gid,
    user: names?.userNames.get(String(entry.uid)),
    group: names?.groupNames.get(String(entry.gid)),
    mtimeSec: entry.mtimeSec,
    mtimeNsec: entry.mtimeNsec,
    linkCount: entry.nlink,
    linkId: linkId(entry),
    target: entry.target,
    contentTag: contentTag(entry),
    error: entry.error,
    place,
    snapshot,
  };
}

/** A directory that is in no snapshot. */
export function madeUpDirectory(path: string, mtimeMs: number, snapshot?: SnapshotSummary): ViewEntry {
  const entry = emptyEntry("", "", entryTypes.directory);
  entry.mode = 0o755;
  entry.mtimeSec = Math.floor(mtimeMs / 1000);
  entry.mtimeNsec = (mtimeMs - entry.mtimeSec * 1000) * 1_000_000;
  return viewEntry(path, { path, entry, source: undefined }, snapshot);
}

function linkId(entry: Entry): string | undefined {
  if (entry.type === entryTypes.directory || entry.nlink < 2) return undefined;
  return `${entry.device.toString(16)}-${entry.inodeHi.toString(16)}-${entry.inodeLo.toString(16)}`;
}
