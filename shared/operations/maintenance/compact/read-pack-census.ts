import { verifySignature } from "#shared/crypto/signing.ts";
import { HoldfastError, isHoldfastError } from "#shared/errors.ts";
import type { StateId } from "#shared/format/ids.ts";
import { packTableRowBytes } from "#shared/format/pack.ts";
import { scanStateHead } from "#shared/format/scan-state-head.ts";
import { stateIdOf } from "#shared/format/state.ts";
import type { LogState, SnapshotRecord } from "#shared/log/log-state.ts";
import { readPlacedPacks } from "#shared/log/read-placed-packs.ts";
import { stopIfAborted } from "#shared/log/stop-if-aborted.ts";
import { stateKey } from "#shared/store/object-key.ts";
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

/** What a census is taken of. */
type CensusOptions = { readonly store: Store; readonly log: LogState; readonly signal?: AbortSignal };

/**
 * Takes a census of the packs of a store: reads the head of every published state once, 16 at a time and 32 MiB of them, unless one alone
 * is larger.
 *
 * It needs no key.
 *
 * @throws {HoldfastError} unavailable, denied: the store does not answer
 */
export async function readPackCensus(options: CensusOptions): Promise<ReadPackCensus> {
  const { log } = options;
  const census = new PackCensus();
  const unreadable: { stateId: StateId; error: HoldfastError }[] = [];
  const records = [...log.snapshots.values()].sort((left, right) => left.seq - right.seq);
  for await (const { item, result } of heads(options, records)) {
    const error = result instanceof HoldfastError ? result : scanned(census, log, item, result);
    if (error !== undefined) unreadable.push({ stateId: item.stateId, error });
  }
  await readPlacedPacks({
    ...options,
    isMeant: () => true,
    use: (pack) => census.addPack(pack),
  });
  return { census, unreadable };
}

/**
 * Adds the references of the snapshots that are live in `log` and that the census lacks.
 *
 * @throws {HoldfastError} corrupt, absent: the head of one could not be read
 */
export async function coverLiveSnapshots(census: PackCensus, options: CensusOptions): Promise<void> {
  const { log } = options;
  for await (const { item, result } of heads(options, uncoveredSnapshots(census, log))) {
    const error = result instanceof HoldfastError ? result : scanned(census, log, item, result);
    if (error !== undefined) throw error;
  }
}

/** The snapshots that are live in `log` and whose references the census lacks. */
export function uncoveredSnapshots(census: PackCensus, log: Pick<LogState, "snapshots">): SnapshotRecord[] {
  const records: SnapshotRecord[] = [];
  for (const record of log.snapshots.values())
    if (record.removed === undefined && !census.covers(record.stateId)) records.push(record);
  return records;
}

/** Adds what a head tells to the census. @returns why it cannot */
function scanned(
  census: PackCensus,
  log: LogState,
  { stateId, removed }: SnapshotRecord,
  head: Uint8Array,
): HoldfastError | undefined {
  try {
    const options = { subject: `state ${stateId}`, storeId: log.storeId, verify: verifySignature };
    scanStateHead(head, options, {
      pack: (bytes, idAt, sizeBytes, rows, tableAt, kind) => {
        if (kind === undefined) return;
        const table = bytes.subarray(tableAt, tableAt + rows * packTableRowBytes);
        census.addPackAt(bytes, idAt, { kind, sizeBytes, table });
      },
      ...(removed === undefined
        ? {
            reference: (bytes, idAt, segmentsAt, segmentsBytes) =>
              census.addReference(bytes, idAt, bytes, segmentsAt, segmentsBytes),
          }
        : {}),
    });
  } catch (error) {
    if (isHoldfastError(error, "corrupt", "incompatible")) return error;
    throw error;
  }
  if (removed === undefined) census.cover(stateId);
  return undefined;
}

function heads({ store, signal }: CensusOptions, records: readonly SnapshotRecord[]) {
  const read = async ({ stateId, headBytes }: SnapshotRecord): Promise<Uint8Array | HoldfastError> => {
    stopIfAborted(signal);
    const key = stateKey(stateId);
    try {
      const bytes = await store.get(key, { offsetBytes: 0, lengthBytes: headBytes });
      if (stateIdOf(bytes) === stateId) return bytes;
      return new HoldfastError("corrupt", `Cannot read ${key}: its bytes are not those that its name promises`, {
        detail: { key },
      });
    } catch (error) {
      if (isHoldfastError(error, "absent", "corrupt")) return error;
      throw error;
    }
  };
  return readAhead(records, read, {
    bytesOf: (record) => record.headBytes,
    inFlight: inFlightHeads,
    inFlightBytes: inFlightHeadBytes,
  });
}
