import { equalBytes } from "#shared/bytes/equal-bytes.ts";
import { isHoldfastError } from "#shared/errors.ts";
import { idToBytes, type PackId, type StateId } from "#shared/format/ids.ts";
import { decodePackHeader, packHeaderBytes } from "#shared/format/pack.ts";
import { readUnpublishedHead } from "#shared/log/find-states-of-longer.ts";
import { inParallel } from "#shared/log/in-parallel.ts";
import { stopIfAborted } from "#shared/log/stop-if-aborted.ts";
import { packKey, stateKey } from "#shared/store/object-key.ts";
import type { Store } from "#shared/store/store.ts";
import { packFlags } from "./pack-ledger.ts";
import type { Survey } from "./survey-store.ts";

/** What objects say of themselves that nothing published tells of. */
export type Strays = {
  /** Those that belong to another store, and old ones that were too many to be looked at: none of them is given up. */
  readonly foreignPacks: ReadonlySet<PackId>;
  readonly foreignStates: ReadonlySet<StateId>;
  readonly unreadPacks: ReadonlySet<PackId>;
  readonly unreadStates: ReadonlySet<StateId>;
  /** Packs that unpublished states of this store add, and that no published one does. */
  readonly stagedPacks: ReadonlySet<PackId>;
  /** The state whose writer had folded most entries, where that is more than the fold of the survey has. */
  readonly proof: { readonly key: string; readonly baseSeq: number } | undefined;
};

/** None that is known. */
export const noStrays: Strays = {
  foreignPacks: new Set(),
  foreignStates: new Set(),
  unreadPacks: new Set(),
  unreadStates: new Set(),
  stagedPacks: new Set(),
  proof: undefined,
};

/** Objects that one run looks at, at most. */
const packsMax = 20_000;
const statesMax = 2_000;
const readsAtOnce = 16;

/**
 * Reads the headers of orphan packs that are old enough to be condemned, and the heads of unpublished states. An object that cannot be read is
 * taken for one of this store.
 *
 * A request a pack, two a state; 20000 packs and 2000 states at most.
 *
 * @param options.isOld - whether an object of that time of the store's clock (NaN: unknown) may be abandoned
 * @throws {HoldfastError} unavailable, denied
 */
export async function lookAtStrays(options: {
  readonly store: Store;
  readonly survey: Survey;
  readonly isOld: (modifiedMs: number) => boolean;
  readonly signal?: AbortSignal;
}): Promise<Strays> {
  const { store, survey, signal } = options;
  const { state } = survey;
  const storeId = idToBytes(state.storeId);
  const orphans = orphansOf(survey, options.isOld);
  const states = survey.unpublished.map((each) => each.stateId);
  const foreignPacks = new Set<PackId>();
  const foreignStates = new Set<StateId>();
  const stagedPacks = new Set<PackId>();
  await inParallel(orphans.slice(0, packsMax), readsAtOnce, async (packId) => {
    stopIfAborted(signal);
    const found = await storeOfPack(store, packId);
    if (found !== undefined && !equalBytes(found, storeId)) foreignPacks.add(packId);
  });
  let proof: Strays["proof"];
  await inParallel(states.slice(0, statesMax), readsAtOnce, async (stateId) => {
    stopIfAborted(signal);
    const head = await readUnpublishedHead(store, stateId);
    if (head === undefined) return;
    if (head.storeId !== state.storeId) {
      foreignStates.add(stateId);
      return;
    }
    if (head.baseSeq > Math.max(state.seq, proof?.baseSeq ?? 0))
      proof = { key: stateKey(stateId), baseSeq: head.baseSeq };
    for (const { packId } of head.packs) {
      const row = survey.packs.ids.findId(packId);
      if (row >= 0 && !survey.packs.is(row, packFlags.added)) stagedPacks.add(packId);
    }
  });
  return {
    foreignPacks,
    foreignStates,
    unreadPacks: new Set(orphans.slice(packsMax)),
    unreadStates: new Set(states.slice(statesMax)),
    stagedPacks,
    proof,
  };
}

/** Packs that would be condemned because nothing ever published tells of them. */
function orphansOf({ state, packs, needed }: Survey, isOld: (modifiedMs: number) => boolean): PackId[] {
  const { isNeeded } = needed.facts(state);
  const orphans: PackId[] = [];
  for (let row = 0; row < packs.size; row++) {
    if (!packs.is(row, packFlags.listed) || packs.is(row, packFlags.added) || !isOld(packs.modifiedMs(row))) continue;
    const packId = packs.ids.idAt(row);
    if (!state.swept.has(packId) && !state.condemned.has(packId) && !isNeeded(packId)) orphans.push(packId);
  }
  return orphans;
}

/** The store that a pack says it belongs to; undefined: it says nothing that can be read. */
async function storeOfPack(store: Store, packId: PackId): Promise<Uint8Array | undefined> {
  const key = packKey(packId);
  try {
    return decodePackHeader(await store.get(key, { offsetBytes: 0, lengthBytes: packHeaderBytes }), key).storeId;
  } catch (error) {
    if (!isHoldfastError(error, "absent", "corrupt", "incompatible", "invalid")) throw error;
    return undefined;
  }
}
