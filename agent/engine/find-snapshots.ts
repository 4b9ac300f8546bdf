import type { SnapshotReference } from "#agent/arguments/snapshot-reference.ts";
import { formatSnapshotReference } from "#agent/arguments/snapshot-reference.ts";
import type { SnapshotFilter, SnapshotSummary } from "#agent/commands/engine.ts";
import { HoldfastError, isHoldfastError } from "#shared/errors.ts";
import { lostPathsOf } from "#shared/format/content-losses.ts";
import type { SnapshotRecord } from "#shared/log/log-state.ts";
import { isRepaired, repairedByPrefix } from "#shared/log/repaired-commit-id.ts";
import type { Reporter } from "#shared/operations/progress.ts";
import type { Repository } from "#shared/repository/repository.ts";
import { liveRecords, readSnapshot, removedRecords, type Snapshot } from "#shared/snapshot/read-snapshot.ts";
import { findLatest } from "./find-latest.ts";
import { isOfLine } from "./is-of-line.ts";

/**
 * The visible snapshot that a reference means; one that is given by its id may have a header that cannot be read.
 *
 * @throws {HoldfastError} absent, or invalid: the prefix fits several; as `findLatest`
 */
export async function findRecord(
  repository: Repository,
  reference: SnapshotReference,
  reporter: Reporter,
): Promise<SnapshotRecord> {
  if (reference.by === "age") return (await findLatest(repository, reference, reporter)).record;
  const records = liveRecords(repository);
  const repaired = findRepaired(repository, reference.prefix, records);
  if (repaired !== undefined) return repaired;
  tellIfGone(repository, reference.prefix, records, "find");
  return pick(records, reference.prefix, "snapshot");
}

/** The visible snapshot that a reference means, with its header. @throws {HoldfastError} as `findRecord`; corrupt: its header cannot be read */
export async function findSnapshot(
  repository: Repository,
  reference: SnapshotReference,
  reporter: Reporter,
): Promise<Snapshot> {
  if (reference.by === "age") return findLatest(repository, reference, reporter);
  return readSnapshot(repository, await findRecord(repository, reference, reporter));
}

/** The removed snapshot that a reference means. */
export function findRemoved(repository: Repository, reference: SnapshotReference): SnapshotRecord {
  if (reference.by === "age") {
    throw new HoldfastError(
      "invalid",
      `Cannot undelete "${formatSnapshotReference(reference)}": it counts visible snapshots only`,
      {
        hint: "Give the beginning of the id of the removed snapshot.",
      },
    );
  }
  const removed = removedRecords(repository);
  tellIfGone(repository, reference.prefix, removed, "undelete");
  return pick(removed, reference.prefix, "removed snapshot");
}

/** The snapshot that took the place of the one whose old id begins so, where none has such an id now. */
function findRepaired(
  repository: Repository,
  prefix: string,
  records: readonly SnapshotRecord[],
): SnapshotRecord | undefined {
  if (records.some((record) => record.stateId.startsWith(prefix))) return undefined;
  for (const { record } of repairedByPrefix(repository.log, prefix)) return record;
  return undefined;
}

/** Where an id means no candidate but one that was removed or swept, says that. */
function tellIfGone(
  repository: Repository,
  prefix: string,
  candidates: readonly SnapshotRecord[],
  verb: "find" | "undelete",
): void {
  if (candidates.some((record) => record.stateId.startsWith(prefix))) return;
  const { log } = repository;
  for (const [stateId, seq] of log.sweptStates) {
    if (!stateId.startsWith(prefix)) continue;
    throw new HoldfastError("absent", `Cannot ${verb} snapshot ${prefix}: it was swept in log entry ${seq}`, {
      hint: "What was swept is gone for good.",
    });
  }
  for (const { stateId, removed } of log.snapshots.values()) {
    if (!stateId.startsWith(prefix)) continue;
    throw verb === "find"
      ? new HoldfastError("absent", `Cannot find snapshot ${prefix}: it was removed in log entry ${removed?.seq}`, {
          hint: `Take that back with \`holdfast undelete ${stateId.slice(0, 12)}\`.`,
        })
      : new HoldfastError("absent", `Cannot undelete snapshot ${prefix}: it is not removed`);
  }
}

function pick(records: readonly SnapshotRecord[], prefix: string, what: string): SnapshotRecord {
  const found = records.filter((record) => record.stateId.startsWith(prefix));
  const [only] = found;
  if (only === undefined) {
    throw new HoldfastError("absent", `Cannot find a ${what} whose id begins with ${prefix}`, {
      hint: "List the snapshots with `holdfast ls`.",
    });
  }
  if (found.length > 1) {
    throw new HoldfastError("invalid", `Cannot tell which ${what} is meant: ${found.length} ids begin with ${prefix}`, {
      hint: "Give more digits.",
    });
  }
  return only;
}

/** Snapshots that match, visible or removed ones, oldest first. Those that cannot be read are told to the reporter. @returns false if there were any */
export async function* matchingSnapshots(
  repository: Repository,
  filter: SnapshotFilter,
  reporter: Reporter,
): AsyncGenerator<SnapshotSummary, boolean> {
  const counts = new Map<string, number>();
  const matching: SnapshotSummary[] = [];
  let whole = true;
  const records = filter.removed === true ? removedRecords(repository) : liveRecords(repository);
  await repository.loadHeaders(records);
  for (const record of records) {
    let snapshot: Snapshot;
    try {
      snapshot = await readSnapshot(repository, record);
    } catch (error) {
      if (isHoldfastError(error, "absent")) continue; // it was removed and swept a moment ago
      if (!isHoldfastError(error, "corrupt", "incompatible")) throw error;
      whole = false;
      reporter.entryError({ path: record.stateId, kind: error.kind, message: error.message });
      continue;
    }
    const { header } = snapshot;
    if (!isOfLine(snapshot, filter)) continue;
    const line = JSON.stringify([header.host, header.name]);
    const count = (counts.get(line) ?? 0) + 1;
    counts.set(line, count);
    if (filter.latest !== undefined && count > filter.latest) continue;
    matching.push(summaryOf(snapshot));
  }
  yield* matching.toReversed();
  return whole;
}

/** The summary of a snapshot that is to be removed; of one that cannot be read, what the log knows of it, and a warning. */
export async function summaryAnyway(
  repository: Repository,
  record: SnapshotRecord,
  reporter: Reporter,
): Promise<SnapshotSummary> {
  try {
    return summaryOf(await readSnapshot(repository, record));
  } catch (error) {
    if (!isHoldfastError(error, "corrupt", "incompatible")) throw error;
    const message = `Snapshot ${record.stateId.slice(0, 12)} cannot be read, and can be removed all the same: ${error.message}`;
    reporter.notice({ level: "warning", message });
    return {
      id: record.stateId,
      timeMs: record.timeMs,
      durationMs: 0,
      host: "",
      name: "",
      tags: [],
      paths: [],
      sizeBytes: 0,
      entries: 0,
      errors: 0,
      lostPaths: 0,
      repaired: isRepaired(record),
    };
  }
}

/** A snapshot as lists show it. */
export function summaryOf(snapshot: Snapshot): SnapshotSummary {
  const { header } = snapshot;
  return {
    id: snapshot.id,
    timeMs: header.timeMs,
    durationMs: header.durationMs,
    host: header.host,
    name: header.name,
    tags: header.tags,
    paths: header.sources.map((source) => source.root),
    sizeBytes: header.sources.reduce((sum, source) => sum + source.tree.totalBytes, 0),
    entries: header.sources.reduce((sum, source) => sum + source.tree.entries, 0),
    errors: header.errorCount,
    lostPaths: lostPathsOf(header),
    repaired: isRepaired(snapshot.record),
    ...(snapshot.record.removed === undefined ? {} : { removedAtMs: snapshot.record.removed.timeMs }),
  };
}
