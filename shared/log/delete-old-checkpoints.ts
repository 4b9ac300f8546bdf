import { encodeHex } from "#shared/bytes/hex.ts";
import { isHoldfastError } from "#shared/errors.ts";
import { checkpointKey, checkpointPartKey, checkpointPartsPrefix } from "#shared/store/object-key.ts";
import type { Store } from "#shared/store/store.ts";
import { inParallel } from "./in-parallel.ts";
import type { LogState } from "./log-state.ts";
import { listCheckpoints } from "./open-log.ts";
import { type Checkpoint, isVouchedBy, readCheckpoint } from "./read-checkpoint.ts";
import { stopIfAborted } from "./stop-if-aborted.ts";

/** What `deleteOldCheckpoints` deleted. */
export type DeletedCheckpoints = { readonly objects: number; readonly bytes: number };

/** A part that no checkpoint names and that is younger may belong to one that is being written. */
const youngPartMs = 24 * 3600 * 1000;
const inFlightDeletions = 8;

/**
 * Deletes checkpoints that a newer one has replaced, and parts that none names.
 *
 * Kept are the newest vouched checkpoint, which is read first and must be whole, and the one before it in the store, for readers who are at it; both with
 * their parts. Whatever is newer than the newest vouched one may be about to be vouched for, and stays. Parts that nobody names go when they are a
 * day old by the store's clock, or were named by a checkpoint that goes here. Where there is no usable vouched checkpoint nothing is deleted.
 *
 * May be repeated, and run by any number of maintainers at once: what is deleted costs readers time at worst.
 *
 * @param options.nowMs - by the store's clock, to tell the age of parts, milliseconds since 1970 UTC
 */
export async function deleteOldCheckpoints(options: {
  readonly store: Store;
  readonly state: LogState;
  readonly nowMs: number;
  readonly signal?: AbortSignal;
}): Promise<DeletedCheckpoints> {
  const { store, state, nowMs, signal } = options;
  const newest = state.checkpoint;
  if (newest === undefined) return { objects: 0, bytes: 0 };
  const current = await readUsable(store, state, newest.seq);
  if (current === undefined || !isVouchedBy(current, newest)) return { objects: 0, bytes: 0 };
  const seqs = await listCheckpoints(store);
  const older = seqs.filter((seq) => seq < newest.seq);
  const before = older.at(-1);
  const kept = new Set(partNames(current));
  for (const seq of seqs.filter((each) => each > newest.seq || each === before))
    for (const name of partNames(await readUsable(store, state, seq))) kept.add(name);
  const going = older.slice(0, -1);
  const leaving = new Set<string>();
  for (const seq of going) for (const name of partNames(await readUsable(store, state, seq))) leaving.add(name);

  const keys: { key: string; sizeBytes: number }[] = [];
  for await (const { key, sizeBytes, modifiedMs } of store.list(checkpointPartsPrefix)) {
    const name = key.slice(checkpointPartsPrefix.length);
    if (kept.has(name)) continue;
    const isOld = modifiedMs !== undefined && modifiedMs < nowMs - youngPartMs;
    if (isOld || leaving.has(name)) keys.push({ key: checkpointPartKey(name), sizeBytes });
  }
  let [objects, bytes] = [0, 0];
  // Checkpoints before parts: one that is there names parts that are there.
  await inParallel(going, inFlightDeletions, async (seq) => {
    stopIfAborted(signal);
    await store.delete(checkpointKey(seq));
    objects++;
  });
  await inParallel(keys, inFlightDeletions, async ({ key, sizeBytes }) => {
    stopIfAborted(signal);
    await store.delete(key);
    objects++;
    bytes += sizeBytes;
  });
  return { objects, bytes };
}

function partNames(checkpoint: Checkpoint | undefined): string[] {
  return (checkpoint?.parts ?? []).map((part) => encodeHex(part.sha256));
}

async function readUsable(store: Store, state: LogState, seq: number): Promise<Checkpoint | undefined> {
  try {
    return await readCheckpoint(store, state.storeId, seq);
  } catch (error) {
    if (!isHoldfastError(error, "absent", "corrupt", "incompatible")) throw error;
    return undefined;
  }
}
