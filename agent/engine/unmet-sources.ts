import { isHoldfastError } from "#shared/errors.ts";
import type { StateId } from "#shared/format/ids.ts";
import type { Repository } from "#shared/repository/repository.ts";
import { readSnapshot } from "#shared/snapshot/read-snapshot.ts";
import { snapshotReader } from "#shared/snapshot/snapshot-reader.ts";
import { SnapshotTree } from "#shared/snapshot/snapshot-tree.ts";
import type { Source } from "./named-source.ts";

/**
 * Those of the sources that the snapshot just published does not show, though the scan of another source was to bring them along: the tree
 * changed meanwhile. Reads nothing where there are none to look for.
 *
 * @throws {HoldfastError} the snapshot cannot be read
 */
export async function unmetSources(
  repository: Repository,
  snapshotId: string,
  brought: readonly Source[],
): Promise<readonly Source[]> {
  if (brought.length === 0) return [];
  await repository.follow();
  const record = repository.log.snapshots.get(snapshotId as StateId);
  if (record === undefined) return brought;
  const snapshot = await readSnapshot(repository, record);
  const tree = new SnapshotTree(snapshot, await snapshotReader(repository, snapshot.id));
  const unmet: Source[] = [];
  for (const source of brought) {
    try {
      await tree.find(source.root);
    } catch (error) {
      if (!isHoldfastError(error, "absent")) throw error;
      unmet.push(source);
    }
  }
  return unmet;
}
