import { type HoldfastError, isHoldfastError } from "#shared/errors.ts";
import type { StateId } from "#shared/format/ids.ts";
import type { LogState, SnapshotRecord } from "#shared/log/log-state.ts";
import { readStateHead } from "#shared/log/read-state-head.ts";
import { stopIfAborted } from "#shared/log/stop-if-aborted.ts";
import type { Store } from "#shared/store/store.ts";
import { PackCensus } from "./pack-census.ts";
import { readAhead } from "./read-ahead.ts";

const inFlightHeads = 16;
const inFlightHeadBytes = 32 * 1024 * 1024;

/** A census, and the states that it lacks. */
export type ReadPackCensus = {
  readonly census: PackCensus;
  /** States whose head could not be read. Of removed snapshots: their packs stay as they are. Of live ones: nothing can be compacted. */
  readonly unreadable: readonly { readonly stateId: StateId; readonly error: HoldfastError }[];
};

/**
 * Takes a census of the packs of a store: reads the head of every published state once, 16 at a time and 32 MiB of them.
 *
 * It needs no key.
 *
 * @throws {HoldfastError} unavailable, denied: the store does not answer
 */
export async function readPackCensus(options: {
  readonly store: Store;
  readonly log: LogState;
  readonly signal?: AbortSignal;
}): Promise<ReadPackCensus> {
  const { store, log, signal } = options;
  const census = new PackCensus();
  const unreadable: { stateId: StateId; error: HoldfastError }[] = [];
  for (const placed of log.placed.values()) census.addPack(placed);
  const records = [...log.snapshots.values()].sort((left, right) => left.seq - right.seq);
  await eachHead({ store, log, records, ...(signal === undefined ? {} : { signal }) }, ({ stateId, removed }, head) => {
    if (!("packs" in head)) {
      unreadable.push({ stateId, error: head });
      return;
    }
    for (const pack of head.packs) census.addPack(pack);
    if (removed === undefined) census.addReferences(log, stateId, head.references);
  });
  return { census, unreadable };
}

/**
 * Adds the references of the snapshots that are live in `log` and that the census lacks.
 *
 * @throws {HoldfastError} corrupt, absent: the head of one could not be read
 */
export async function coverLiveSnapshots(
  census: PackCensus,
  options: { readonly store: Store; readonly log: LogState; readonly signal?: AbortSignal },
): Promise<void> {
  const { log } = options;
  const records = uncoveredSnapshots(census, log);
  await eachHead({ ...options, records }, ({ stateId }, head) => {
    if (!("packs" in head)) throw head;
    census.addReferences(log, stateId, head.references);
  });
}

/** The snapshots that are live in `log` and whose references the census lacks. */
export function uncoveredSnapshots(census: PackCensus, log: Pick<LogState, "snapshots">): SnapshotRecord[] {
  const records: SnapshotRecord[] = [];
  for (const record of log.snapshots.values())
    if (record.removed === undefined && !census.covers(record.stateId)) records.push(record);
  return records;
}

type Head = Awaited<ReturnType<typeof readStateHead>>["head"];

async function eachHead(
  options: {
    readonly store: Store;
    readonly log: LogState;
    readonly records: readonly SnapshotRecord[];
    readonly signal?: AbortSignal;
  },
  use: (record: SnapshotRecord, head: Head | HoldfastError) => void,
): Promise<void> {
  const { store, log, records, signal } = options;
  const read = async (record: SnapshotRecord): Promise<Head | HoldfastError> => {
    stopIfAborted(signal);
    try {
      return (await readStateHead(store, log.storeId, record)).head;
    } catch (error) {
      if (isHoldfastError(error, "absent", "corrupt", "incompatible")) return error;
      throw error;
    }
  };
  const limits = {
    bytesOf: (record: SnapshotRecord) => record.headBytes,
    inFlight: inFlightHeads,
    inFlightBytes: inFlightHeadBytes,
  };
  for await (const { item, result } of readAhead(records, read, limits)) use(item, result);
}
