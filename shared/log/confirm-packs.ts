import { equalBytes } from "#shared/bytes/equal-bytes.ts";
import { HoldfastError, isHoldfastError } from "#shared/errors.ts";
import { idToBytes, type PackId } from "#shared/format/ids.ts";
import { packKey } from "#shared/store/object-key.ts";
import type { Store } from "#shared/store/store.ts";
import { inParallel } from "./in-parallel.ts";
import { stopIfAborted } from "./stop-if-aborted.ts";

/** A pack to be confirmed; `sizeBytes` where the asker knows it. */
export type PackToConfirm = { readonly packId: PackId; readonly sizeBytes?: number };

const inFlightHeads = 16;
const namedPacks = 100;

/**
 * Makes sure that packs are in the store, durable and whole: by `head`, of the right size and, where the store keeps a SHA-256 of what it
 * holds, of the hash that is the pack's id. All are looked at before anything is thrown, so that the error names every one.
 *
 * @throws {HoldfastError} corrupt: a pack has another size or hash; `detail.packs` names the first hundred
 * @throws {HoldfastError} absent: a pack is not there; `detail.packs` likewise
 */
export async function confirmPacks(store: Store, packs: Iterable<PackToConfirm>, signal?: AbortSignal): Promise<void> {
  const missing: PackId[] = [];
  const damaged: PackId[] = [];
  await inParallel(packs, inFlightHeads, async ({ packId, sizeBytes }) => {
    stopIfAborted(signal);
    const stat = await store.head(packKey(packId)).catch((error: unknown) => {
      if (isHoldfastError(error, "absent")) return undefined;
      throw error;
    });
    if (stat === undefined) missing.push(packId);
    else if (sizeBytes !== undefined && stat.sizeBytes !== sizeBytes) damaged.push(packId);
    else if (stat.sha256 !== undefined && !equalBytes(stat.sha256, idToBytes(packId))) damaged.push(packId);
  });
  const hint = "Run the backup again: it uploads what is missing, under new names.";
  if (damaged.length > 0) {
    throw new HoldfastError(
      "corrupt",
      `Cannot rely on ${named(damaged)}: what the store holds is not what was written`,
      {
        detail: { packs: damaged.sort().slice(0, namedPacks) },
        hint,
      },
    );
  }
  if (missing.length > 0) {
    throw new HoldfastError("absent", `Cannot rely on ${named(missing)}: the store does not have it`, {
      detail: { packs: missing.sort().slice(0, namedPacks) },
      hint,
    });
  }
}

function named(packs: readonly PackId[]): string {
  return packs.length === 1 ? `pack ${packs[0]}` : `pack ${packs[0]} and ${packs.length - 1} more`;
}
