import { type Entry, entryPath } from "#shared/format/entry.ts";
import type { SnapshotSource } from "#shared/format/snapshot.ts";

const known = new WeakMap<SnapshotSource, ReadonlyMap<string, Entry>>();
const none: ReadonlyMap<string, Entry> = new Map();

/** The directories that lead to the root of a source as they were when it was backed up, by their absolute paths; empty where it does not say. */
export function recordedParents(source: SnapshotSource): ReadonlyMap<string, Entry> {
  if (source.parents === undefined) return none;
  let parents = known.get(source);
  if (parents === undefined) {
    parents = new Map(source.parents.map((entry) => [entry.name === "" ? "/" : `/${entryPath(entry)}`, entry]));
    known.set(source, parents);
  }
  return parents;
}
