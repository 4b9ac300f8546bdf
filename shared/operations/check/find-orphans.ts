import { parseId, type StateId } from "#shared/format/ids.ts";
import type { Reporter } from "#shared/operations/progress.ts";
import type { Repository } from "#shared/repository/repository.ts";
import { statesPrefix } from "#shared/store/object-key.ts";

/** What is in a store and needed by nothing in its log. */
export type Orphans = {
  /** Packs of which no published state and no relocation tells, and their size. */
  readonly orphanPacks: number;
  readonly orphanBytes: number;
  /** States that no entry published. */
  readonly orphanStates: number;
  /** Packs and states that were swept and are still there. */
  readonly sweptObjects: number;
};

/** None. */
export const noOrphans: Orphans = { orphanPacks: 0, orphanBytes: 0, orphanStates: 0, sweptObjects: 0 };

/**
 * Counts what nothing needs, and tells of it as information: it is harmless, what a running backup has stored so far looks the same, and
 * maintenance collects it.
 *
 * @param packSizes - sizes of all packs that are in the store, by id
 */
export async function findOrphans(
  repository: Repository,
  packSizes: ReadonlyMap<string, number>,
  reporter: Reporter,
): Promise<Orphans> {
  const { store, segments } = repository;
  const states: StateId[] = [];
  for await (const { key } of store.list(statesPrefix)) {
    const name = key.slice(key.lastIndexOf("/") + 1);
    if (/^[0-9a-f]{64}$/.test(name)) states.push(parseId("state", name));
  }
  const counts = { orphanPacks: 0, orphanBytes: 0, orphanStates: 0, sweptObjects: 0 };
  // States and packs that were published since the check began are none.
  await repository.refresh();
  const { log } = repository;
  for (const stateId of states) {
    if (log.sweptStates.has(stateId)) counts.sweptObjects++;
    else if (!log.snapshots.has(stateId)) counts.orphanStates++;
  }
  for (const [name, sizeBytes] of packSizes) {
    const packId = parseId("pack", name);
    if (log.swept.has(packId)) counts.sweptObjects++;
    else if (segments.findPack(packId) === undefined) {
      counts.orphanPacks++;
      counts.orphanBytes += sizeBytes;
    }
  }
  if (counts.orphanPacks + counts.orphanStates > 0) {
    reporter.notice({
      level: "info",
      message: `${counts.orphanPacks} packs (${counts.orphanBytes} bytes) and ${counts.orphanStates} states belong to no snapshot: interrupted or running backups left them, and maintenance collects them.`,
    });
  }
  return counts;
}
