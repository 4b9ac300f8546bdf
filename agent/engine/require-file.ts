import { displayPath } from "#agent/filesystem/display-path.ts";
import { HoldfastError } from "#shared/errors.ts";
import { entryTypes } from "#shared/format/entry.ts";
import type { PlacedEntry } from "#shared/snapshot/snapshot-tree.ts";
import { viewEntryTypes } from "#shared/view/view.ts";

/**
 * Makes sure that an entry has content that can be read, and names it if not.
 *
 * @throws {HoldfastError} invalid: it is no file; absent: the backup could not read it
 */
export function requireFile({ path, entry }: Pick<PlacedEntry, "path" | "entry">): void {
  if (entry.type !== entryTypes.file) {
    const hint =
      entry.type === entryTypes.directory
        ? "List it with `holdfast ls`, or bring it back with `holdfast restore`."
        : "Bring it back with `holdfast restore`.";
    const what = `it is no file but a ${viewEntryTypes[entry.type]}`;
    throw new HoldfastError("invalid", `Cannot read ${displayPath(path)}: ${what}`, { hint });
  }
  if (entry.error !== undefined) {
    const why = `it was not read when the snapshot was made: ${entry.error}`;
    throw new HoldfastError("absent", `Cannot read ${displayPath(path)}: ${why}`, {
      hint: "Look for it in an earlier snapshot.",
    });
  }
}
