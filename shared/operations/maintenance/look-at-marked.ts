import { equalBytes } from "#shared/bytes/equal-bytes.ts";
import { createSha256 } from "#shared/crypto/sha256.ts";
import { isHoldfastError } from "#shared/errors.ts";
import { idToBytes, type PackId } from "#shared/format/ids.ts";
import { inParallel } from "#shared/log/in-parallel.ts";
import type { RepairMark } from "#shared/log/repair-marks.ts";
import { stopIfAborted } from "#shared/log/stop-if-aborted.ts";
import { packKey } from "#shared/store/object-key.ts";
import type { Store } from "#shared/store/store.ts";
import { packFlags } from "./pack-ledger.ts";
import type { Survey } from "./survey-store.ts";

/** Condemned packs that a repair found missing or damaged, not unneeded. Those that returned or are absent are not to be swept. */
export type MarkedPacks = {
  /** They are there, and whole as far as was looked. */
  readonly returned: ReadonlySet<PackId>;
  /** They are not there: nothing would be freed, and they may come back. */
  readonly absent: ReadonlySet<PackId>;
  /** They are there and damaged, or not proved yet: they are swept when their time has come, like others. */
  readonly damaged: ReadonlySet<PackId>;
};

/** None. */
export const noMarked: MarkedPacks = { returned: new Set(), absent: new Set(), damaged: new Set() };

const readsAtOnce = 2;
const rangeBytes = 8 * 1024 * 1024;

/**
 * Looks at the condemned packs that a repair found missing or damaged and that no live snapshot needs. A pack that was missing and is there has come
 * back. One that was damaged is read before it is given up for good: what made it look damaged may have been the way to the store.
 *
 * The packs that were damaged are read, when their grace period is over.
 *
 * @param options.isDue - whether the grace period of a condemned pack is over
 */
export async function lookAtMarked(options: {
  readonly store: Store;
  readonly survey: Survey;
  /** The condemned packs that repairs found missing or damaged. */
  readonly marked: ReadonlyMap<PackId, RepairMark>;
  readonly isDue: (packId: PackId) => boolean;
  readonly signal?: AbortSignal;
}): Promise<MarkedPacks> {
  const { store, survey, marked, isDue, signal } = options;
  const { state, packs, needed } = survey;
  const { isNeeded } = needed.facts(state);
  const returned = new Set<PackId>();
  const absent = new Set<PackId>();
  const damaged = new Set<PackId>();
  await inParallel(marked, readsAtOnce, async ([packId, mark]) => {
    stopIfAborted(signal);
    if (isNeeded(packId)) return;
    const row = packs.ids.findId(packId);
    if (row < 0 || !packs.is(row, packFlags.listed)) absent.add(packId);
    else if (mark === "missing" || (isDue(packId) && (await mayBeWhole(store, packId, packs.sizeBytes(row)))))
      returned.add(packId);
    else damaged.add(packId);
  });
  return { returned, absent, damaged };
}

/** Whether the bytes of a pack are those that its name promises; true also where they cannot be read now. */
async function mayBeWhole(store: Store, packId: PackId, sizeBytes: number): Promise<boolean> {
  const hash = createSha256();
  try {
    for (let offsetBytes = 0; offsetBytes < sizeBytes; offsetBytes += rangeBytes) {
      const lengthBytes = Math.min(rangeBytes, sizeBytes - offsetBytes);
      hash.update(await store.get(packKey(packId), { offsetBytes, lengthBytes }));
    }
  } catch (error) {
    if (isHoldfastError(error, "corrupt", "absent")) return false;
    if (isHoldfastError(error, "unavailable", "denied")) return true;
    throw error;
  }
  return equalBytes(hash.digest(), idToBytes(packId));
}
