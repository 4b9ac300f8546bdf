import { mountPointOption, type ScanProblem } from "#shared/connectors/importer.ts";
import type { ParentSource } from "./find-parent.ts";
import { unmountedMessage } from "./missing-mounts.ts";

/** Entries from which on a source that lost nearly all of them is told of. */
const manyEntries = 100;
/** Of so many entries at least one must be left. */
const lossRatio = 10;

/**
 * What a source seems to have lost as a whole since the snapshot before: the filesystem that was mounted at its root, all that was in it, or
 * nearly all.
 *
 * @param source - `entries`: of its tree, the root included
 */
export function lossesOfSource(
  source: { readonly root: string; readonly options: ReadonlyMap<string, string>; readonly entries: number },
  { snapshot, source: before }: ParentSource,
): ScanProblem[] {
  const { root: path, options, entries } = source;
  const losses: ScanProblem[] = [];
  if (before.options.has(mountPointOption) && !options.has(mountPointOption))
    losses.push({ path, kind: "unmounted", message: unmountedMessage });
  const had = before.tree.entries;
  const isEmpty = entries === 1 && had > 1;
  if (isEmpty || (had >= manyEntries && entries * lossRatio <= had)) {
    const now = isEmpty ? "It is empty" : `It has ${entries - 1} entries`;
    const message = `${now}, and had ${had - 1} in snapshot ${snapshot.id.slice(0, 8)}: is something not mounted that should be?`;
    losses.push({ path, kind: "shrunk", message });
  }
  return losses;
}
