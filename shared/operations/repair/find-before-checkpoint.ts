import { auditLog } from "#shared/operations/check/audit-log.ts";
import type { Repository } from "#shared/repository/repository.ts";
import type { Finding } from "./repair-plan.ts";
import type { SalvagedLog } from "./salvage-log.ts";

/**
 * Tells of entries that are missing or cut short, or with `read` damaged, and that nobody needs any more because a checkpoint says what they said.
 */
export async function findBeforeCheckpoint({
  repository,
  log,
  read,
}: {
  readonly repository: Repository;
  readonly log: SalvagedLog;
  readonly read: boolean;
}): Promise<readonly Finding[]> {
  const seq = log.checkpoint?.seq ?? 0;
  if (seq === 0) return [];
  const { store, config } = repository;
  const lost = await auditLog(store, { storeId: config.storeId, seq }, { read });
  return lost.map(({ key, reason }) => ({
    remedy: "noted",
    object: key,
    message: `The log cannot be read here: ${reason}. Nothing depends on it, for checkpoint ${seq} says what it said.`,
    snapshots: [],
    paths: [],
  }));
}
