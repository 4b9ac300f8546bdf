import { isHoldfastError } from "#shared/errors.ts";
import type { SnapshotSource } from "#shared/format/snapshot.ts";
import type { SnapshotRecord } from "#shared/log/log-state.ts";
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
 *
 * @param chosen - the only snapshot to look at
 */
export async function findParents(
  repository: Repository,
  roots: readonly { readonly type: string; readonly origin: string; readonly root: string }[],
  chosen?: SnapshotRecord,
): Promise<(ParentSource | undefined)[]> {
  const found: (ParentSource | undefined)[] = roots.map(() => undefined);
  if (repository.keys.role !== "owner") return found;
  for (const record of chosen === undefined ? liveRecords(repository).slice(0, lookedAtMax) : [chosen]) {
    if (found.every((each) => each !== undefined)) break;
    let snapshot: Snapshot;
    try {
      snapshot = await readSnapshot(repository, record);
    } catch (error) {
      if (isHoldfastError(error, "absent", "corrupt", "incompatible")) continue;
      throw error;
    }
    for (const [index, wanted] of roots.entries()) {
      const source = snapshot.header.sources.find(
        (each) =>
          each.type === wanted.type &&
          each.root === wanted.root &&
          (chosen !== undefined || each.origin === wanted.origin),
      );
      if (source !== undefined) found[index] ??= { snapshot, source };
    }
  }
  return found;
}
