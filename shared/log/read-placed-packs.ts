import { HoldfastError, isHoldfastError } from "#shared/errors.ts";
import type { PackId, StoreId } from "#shared/format/ids.ts";
import type { StatePack } from "#shared/format/state.ts";
import { packKey } from "#shared/store/object-key.ts";
import type { Store } from "#shared/store/store.ts";
import { inParallel } from "./in-parallel.ts";
import type { LogState } from "./log-state.ts";
import { readEntry } from "./read-entry.ts";
import { readPackEnd } from "./read-pack-end.ts";
import { stopIfAborted } from "./stop-if-aborted.ts";

const inFlightEntries = 4;
const inFlightPacks = 8;

/** A pack of which nothing tells any more. */
export type UnknownPack = { readonly packId: PackId; readonly error: HoldfastError };

/**
 * Finds the tables of packs that relocations placed: in the entries that placed them, one request each; where an entry is lost, or says
 * something else, in the packs themselves.
 *
 * @param options.isMeant - which of the placed packs
 * @param options.use - is told of each, in any order
 * @returns the packs that are not to be read
 */
export async function readPlacedPacks(options: {
  readonly store: Store;
  readonly log: Pick<LogState, "placed" | "storeId">;
  readonly isMeant: (packId: PackId, seq: number) => boolean;
  readonly use: (pack: StatePack) => void | Promise<void>;
  readonly signal?: AbortSignal;
}): Promise<readonly UnknownPack[]> {
  const { store, log, isMeant, use, signal } = options;
  const bySeq = new Map<number, Set<PackId>>();
  for (const [packId, seq] of log.placed) {
    if (!isMeant(packId, seq)) continue;
    const packs = bySeq.get(seq);
    if (packs === undefined) bySeq.set(seq, new Set([packId]));
    else packs.add(packId);
  }
  await inParallel(bySeq, inFlightEntries, async ([seq, packs]) => {
    stopIfAborted(signal);
    for (const pack of await placedBy(store, log, seq)) if (packs.delete(pack.packId)) await use(pack);
  });
  const left = [...bySeq.values()].flatMap((packs) => [...packs]);
  const unknown: UnknownPack[] = [];
  await inParallel(left, inFlightPacks, async (packId) => {
    stopIfAborted(signal);
    try {
      await use(await readPack(store, log.storeId, packId));
    } catch (error) {
      if (!isHoldfastError(error, "absent", "corrupt", "incompatible")) throw error;
      unknown.push({ packId, error });
    }
  });
  return unknown;
}

/** A pack as it says itself. @throws {HoldfastError} absent, corrupt or incompatible */
async function readPack(store: Store, storeId: StoreId, packId: PackId): Promise<StatePack> {
  const { sizeBytes } = await store.head(packKey(packId));
  const { pack } = await readPackEnd(store, storeId, { packId, sizeBytes });
  if (pack.table.byteLength === 0)
    throw new HoldfastError("corrupt", `Cannot use ${packKey(packId)}: it holds no segment`);
  return pack;
}

/** The packs that an entry placed; none where it cannot be read. */
async function placedBy(store: Store, { storeId }: Pick<LogState, "storeId">, seq: number): Promise<StatePack[]> {
  try {
    const { entry } = await readEntry(store, seq);
    if (entry.seq !== seq || entry.storeId !== storeId) return [];
    return entry.events.flatMap((event) => (event.type === "relocate" ? event.to : []));
  } catch (error) {
    if (!isHoldfastError(error, "absent", "corrupt", "incompatible")) throw error;
    return [];
  }
}
