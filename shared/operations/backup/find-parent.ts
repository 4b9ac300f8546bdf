import { isHoldfastError } from "#shared/errors.ts";
import type { SnapshotSource } from "#shared/format/snapshot.ts";
import type { Repository } from "#shared/repository/repository.ts";
import { liveRecords, readSnapshot, type Snapshot } from "#shared/snapshot/read-snapshot.ts";

/** Snapshots that are looked at, from the newest on, to find one that a backup can be compared with. */
const lookedAtMax = 512;

/** A source of an earlier snapshot to compare with. */
export type ParentSource = { readonly snapshot: Snapshot; readonly source: SnapshotSource };

/**
 * The newest earlier backup of the same root on the same host, for each of `roots`, or undefined.
 *
 * A key that may not read earlier sessions finds none; snapshots that cannot be read are passed over.
 */
export async function findParents(
  repository: Repository,
  roots: readonly { readonly type: string; readonly origin: string; readonly root: string }[],
): Promise<(ParentSource | undefined)[]> {
  const found: (ParentSource | undefined)[] = roots.map(() => undefined);
  if (repository.keys.role !== "owner") return found;
  for (const record of liveRecords(repository).slice(0, lookedAtMax)) {
    if (found.every((each) => each !== undefined)) break;
    let snapshot: Snapshot;
    try {
      snapshot = await readSnapshot(repository, record);
    } catch (error) {
      if (isHoldfastError(error, "corrupt", "incompatible")) continue;
      throw error;
    }
    for (const [index, wanted] of roots.entries()) {
      const source = snapshot.header.sources.find(
        (each) => each.type === wanted.type && each.origin === wanted.origin && each.root === wanted.root,
      );
      if (source !== undefined) found[index] ??= { snapshot, source };
    }
  }
  return found;
}
