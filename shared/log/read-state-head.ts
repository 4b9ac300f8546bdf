import { verifySignature } from "#shared/crypto/signing.ts";
import { HoldfastError } from "#shared/errors.ts";
import type { StateId, StoreId } from "#shared/format/ids.ts";
import { decodeStateHead, stateIdOf } from "#shared/format/state.ts";
import { stateKey } from "#shared/store/object-key.ts";
import type { Store } from "#shared/store/store.ts";
import type { SnapshotRecord } from "./log-state.ts";
import type { StagedState } from "./stage-state.ts";

/**
 * Reads the head of a state in one request: its bytes are those that the id names, and its signature holds.
 *
 * @param of - a snapshot of the folded log, or the same numbers from elsewhere
 * @throws {HoldfastError} absent: the store has no such state
 * @throws {HoldfastError} corrupt: the bytes are not those of this state, or it is a state of another store
 * @throws {HoldfastError} incompatible: a newer version
 */
export async function readStateHead(
  store: Store,
  storeId: StoreId,
  of: Pick<SnapshotRecord, "stateId" | "headBytes" | "stateBytes">,
): Promise<StagedState> {
  const stateId: StateId = of.stateId;
  const key = stateKey(stateId);
  const bytes = await store.get(key, { offsetBytes: 0, lengthBytes: of.headBytes });
  if (stateIdOf(bytes) !== stateId) {
    throw new HoldfastError("corrupt", `Cannot read ${key}: its bytes are not those that its name promises`, {
      detail: { key },
    });
  }
  const head = decodeStateHead(bytes, key, verifySignature);
  if (head.storeId !== storeId) {
    throw new HoldfastError("corrupt", `Cannot use ${key}: it belongs to store ${head.storeId}, not to ${storeId}`, {
      detail: { key },
    });
  }
  return { stateId, head, headBytes: of.headBytes, stateBytes: of.stateBytes };
}
