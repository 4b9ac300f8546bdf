import { type Entry, entryTypes } from "#shared/format/entry.ts";
import type { TreeRoot } from "#shared/format/snapshot.ts";
import type { ScanRecord } from "#shared/connectors/importer.ts";
import { findEntry, type ReadNode } from "#shared/tree/read-tree.ts";

/** What is told of a directory on which a filesystem is missing. */
export const unmountedMessage = "A filesystem was mounted here when it was last backed up, and none is now.";

/**
 * Finds directories on which a filesystem was mounted in the previous snapshot, and none is now.
 *
 * Memory: a few bytes for each device that was given another number.
 */
export class MissingMounts {
  readonly #previous: TreeRoot;
  readonly #readNode: ReadNode;
  readonly #isMountPoint: (path: string) => boolean;
  /** Numbers of devices before and now that are known to be of one filesystem, or of a mount that was told of. */
  readonly #settled = new Set<string>();

  constructor(previous: TreeRoot, readNode: ReadNode, isMountPoint: (path: string) => boolean) {
    this.#previous = previous;
    this.#readNode = readNode;
    this.#isMountPoint = isMountPoint;
  }

  /** Looks at an entry that is not as it was; parents come before what is in them. */
  async isMissing(entry: Entry, record: ScanRecord): Promise<boolean> {
    if (entry.device === record.device || record.type !== entryTypes.directory) return false;
    const change = `${entry.device} ${record.device}`;
    if (this.#settled.has(change)) return false;
    this.#settled.add(change);
    // The root is told of by the options of its source.
    if (record.name === "" || entry.type !== entryTypes.directory || this.#isMountPoint(record.path)) return false;
    const above = await findEntry(this.#previous, this.#readNode, record.dir);
    return above !== undefined && above.device !== entry.device;
  }
}
