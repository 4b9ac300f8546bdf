import { equalBytes } from "#shared/bytes/equal-bytes.ts";
import { encodeHex } from "#shared/bytes/hex.ts";
import { HoldfastError } from "#shared/errors.ts";
import { checkpointPartId, decodeCheckpointPart, type PartState } from "#shared/format/checkpoint-part.ts";
import type { ListedPart } from "#shared/format/checkpoint-parts.ts";
import type { StateId, StoreId } from "#shared/format/ids.ts";
import type { StatePack } from "#shared/format/state.ts";
import { checkpointPartKey } from "#shared/store/object-key.ts";
import type { Store } from "#shared/store/store.ts";

/** A state of a part, and where its index section lies in the object. */
export type PlacedPartState = PartState & { readonly sectionOffset: number };

/** What the head of a part says. */
export type PartContents = {
  /** By id, in the order in which they stand there. */
  readonly states: ReadonlyMap<StateId, PlacedPartState>;
  /** Packs that relocations placed. */
  readonly placed: readonly StatePack[];
};

/**
 * Reads the head of a part of a checkpoint: one request.
 *
 * @throws {HoldfastError} absent, corrupt or incompatible
 */
export async function readCheckpointPart(store: Store, storeId: StoreId, listed: ListedPart): Promise<PartContents> {
  const key = checkpointPartKey(encodeHex(listed.sha256));
  const bytes = await store.get(key, { offsetBytes: 0, lengthBytes: listed.headBytes });
  const fail = (reason: string): never => {
    throw new HoldfastError("corrupt", `Cannot use ${key}: ${reason}`, { detail: { key } });
  };
  if (!equalBytes(checkpointPartId([bytes]), listed.sha256)) fail("its bytes are not those that its name promises");
  const part = decodeCheckpointPart(bytes, key);
  if (part.storeId !== storeId) fail(`it belongs to store ${part.storeId}, not to ${storeId}`);
  const states = new Map<StateId, PlacedPartState>();
  let sectionOffset = listed.headBytes;
  for (const state of part.states) {
    states.set(state.stateId, { ...state, sectionOffset });
    sectionOffset += state.indexBytes;
  }
  if (sectionOffset !== listed.bytes) fail("its sections do not fill it");
  return { states, placed: part.placed };
}

/**
 * Reads the index sections of a part, one after the other: one request. They are as long as the part says, and not looked at.
 *
 * @throws {HoldfastError} absent or corrupt
 */
export async function readPartSections(store: Store, listed: ListedPart): Promise<Uint8Array> {
  const lengthBytes = listed.bytes - listed.headBytes;
  if (lengthBytes === 0) return new Uint8Array(0);
  return store.get(checkpointPartKey(encodeHex(listed.sha256)), { offsetBytes: listed.headBytes, lengthBytes });
}
