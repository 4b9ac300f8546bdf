import { HoldfastError, isHoldfastError } from "#shared/errors.ts";
import type { Appended, Appender } from "#shared/log/append-entry.ts";
import type { SnapshotRecord } from "#shared/log/log-state.ts";
import { resolvePacks } from "#shared/log/resolve-row.ts";
import { undeleteSnapshots } from "#shared/log/undelete-snapshots.ts";
import type { Repository } from "#shared/repository/repository.ts";

/**
 * Takes removals back, or tells how much of which snapshot is gone for good.
 *
 * @throws {HoldfastError} absent: something that one of them needs was swept; none is brought back
 * @throws {HoldfastError} as `undeleteSnapshots`
 */
export async function undeleteOrTell(
  repository: Repository,
  appender: Appender,
  records: readonly SnapshotRecord[],
): Promise<Appended> {
  try {
    return await undeleteSnapshots(
      appender,
      records.map((record) => record.stateId),
    );
  } catch (error) {
    if (!isHoldfastError(error, "conflict", "absent", "corrupt")) throw error;
    await repository.refresh();
    const { log } = repository;
    for (const { stateId } of records) {
      const seq = log.sweptStates.get(stateId);
      if (seq === undefined) continue;
      throw gone(stateId, `all of it was swept in log entry ${seq}`, error);
    }
    if (error.detail["rule"] !== "packs-are-not-swept") throw error;
    for (const record of records) {
      const { references } = await repository.states.head(record);
      const needed = [...resolvePacks(log, references)];
      const swept = needed.filter((packId) => log.swept.has(packId));
      if (swept.length > 0)
        throw gone(record.stateId, `${swept.length} of the ${needed.length} packs that it needs were swept`, error);
    }
    throw error;
  }
}

function gone(stateId: string, what: string, cause: unknown): HoldfastError {
  return new HoldfastError("absent", `Cannot undelete snapshot ${stateId.slice(0, 12)}: ${what}`, {
    cause,
    hint: "What was swept is gone for good: restore from another copy of the store, or back up again.",
  });
}
