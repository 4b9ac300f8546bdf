import { verifySignature } from "#shared/crypto/signing.ts";
import { HoldfastError, isHoldfastError } from "#shared/errors.ts";
import { frameHeaderBytes } from "#shared/format/frame.ts";
import { parseId, type StateId } from "#shared/format/ids.ts";
import { formatLimits } from "#shared/format/limits.ts";
import { decodeStateHead, type StateHead, stateHeadLength, stateIdOf } from "#shared/format/state.ts";
import { stateHexOfKey, stateKey, statesPrefix } from "#shared/store/object-key.ts";
import type { Store } from "#shared/store/store.ts";
import { inParallel } from "./in-parallel.ts";
import type { LogState } from "./log-state.ts";
import { stopIfAborted } from "./stop-if-aborted.ts";

/** States beside a log, and the one that proves most about its length. */
export type StatesOfLonger = {
  /** States that no entry published or swept. */
  readonly states: number;
  /** That whose writer had folded most entries, where that is more than the log has. */
  readonly proof: { readonly key: string; readonly baseSeq: number } | undefined;
};

/** Heads that are read at most. */
const headsMax = 64;
const headsAtOnce = 8;

/**
 * Looks among the states that the log does not name for those whose writers had folded more entries than it has (`baseSeq`): such a state proves that
 * entries were lost, if it was listed before the log was read. States that cannot be read prove nothing.
 *
 * A listing, and two requests a state, 64 states at most.
 */
export async function findStatesOfLonger(store: Store, state: LogState, signal?: AbortSignal): Promise<StatesOfLonger> {
  const unnamed: StateId[] = [];
  let states = 0;
  for await (const { key } of store.list(statesPrefix)) {
    if ((states & 1023) === 0) stopIfAborted(signal);
    const hex = stateHexOfKey(key);
    if (hex === undefined) continue;
    const stateId = parseId("state", hex);
    if (state.snapshots.has(stateId) || state.sweptStates.has(stateId)) continue;
    states++;
    if (unnamed.length < headsMax) unnamed.push(stateId);
  }
  let proof: StatesOfLonger["proof"];
  await inParallel(unnamed, headsAtOnce, async (stateId) => {
    stopIfAborted(signal);
    const head = await readUnpublishedHead(store, stateId);
    const baseSeq = head?.storeId === state.storeId ? head.baseSeq : 0;
    if (baseSeq > state.seq && baseSeq > (proof?.baseSeq ?? 0)) proof = { key: stateKey(stateId), baseSeq };
  });
  return { states, proof };
}

/** The head of a state of which only the listing tells, of whatever store it is: two requests. Undefined: it is gone or damaged. */
export async function readUnpublishedHead(store: Store, stateId: StateId): Promise<StateHead | undefined> {
  const key = stateKey(stateId);
  try {
    const lengthBytes = stateHeadLength(await store.get(key, { offsetBytes: 0, lengthBytes: frameHeaderBytes }), key);
    if (lengthBytes > formatLimits.stateHeadBytes) return undefined;
    const bytes = await store.get(key, { offsetBytes: 0, lengthBytes });
    return stateIdOf(bytes) === stateId ? decodeStateHead(bytes, key, verifySignature) : undefined;
  } catch (error) {
    if (!isHoldfastError(error, "absent", "corrupt", "incompatible")) throw error;
    return undefined;
  }
}

/** The error of a log that ends before something in the store that comes of a longer one. */
export function logIsCutOff(seq: number, seen: number, key: string): HoldfastError {
  const end = seq === 0 ? "it has no entry" : `it ends at entry ${seq}`;
  return new HoldfastError(
    "corrupt",
    `Cannot trust the log of this store: ${end}, and ${key} comes of ${seen} entries`,
    {
      detail: { key, last: seq, told: seen },
      hint: "Entries are lost. Bring the objects of log/ back from a replica or older versions of them, or run `holdfast repair`.",
    },
  );
}
