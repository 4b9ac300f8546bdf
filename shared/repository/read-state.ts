import { packTableRowBytes } from "#shared/format/pack.ts";
import { decodeStateHead, type StateHead, stateIdOf, type StatePack } from "#shared/format/state.ts";
import type { StateId, StoreId } from "#shared/format/ids.ts";
import { verifySignature } from "#shared/crypto/signing.ts";
import { sha256 } from "#shared/crypto/sha256.ts";
import { equalBytes } from "#shared/bytes/equal-bytes.ts";
import { stateKey } from "#shared/store/object-key.ts";
import type { Store } from "#shared/store/store.ts";
import { HoldfastError } from "#shared/errors.ts";
import { openIndexSection } from "./index-section.ts";

/** Which state to read, as the log tells. */
export type PublishedState = { readonly stateId: StateId; readonly headBytes: number; readonly stateBytes: number };

/**
 * Reads and proves the head of a published state.
 *
 * @throws {HoldfastError} corrupt: it is damaged, missing or another state
 */
export async function readStateHead(store: Store, storeId: StoreId, state: PublishedState): Promise<StateHead> {
  const subject = `state ${state.stateId}`;
  const bytes = await getPart(store, state, { offsetBytes: 0, lengthBytes: state.headBytes });
  if (stateIdOf(bytes) !== state.stateId)
    throw new HoldfastError("corrupt", `Cannot read ${subject}: its bytes do not match its name`);
  const head = decodeStateHead(bytes, subject, verifySignature);
  if (head.storeId !== storeId)
    throw new HoldfastError("corrupt", `Cannot read ${subject}: it belongs to another store`);
  if (head.indexBytes !== state.stateBytes - state.headBytes) {
    throw new HoldfastError("corrupt", `Cannot read ${subject}: its index has another length than the log says`);
  }
  return head;
}

/**
 * Reads the sealed index section of a published state; its checksum is compared.
 *
 * @throws {HoldfastError} corrupt: it is damaged or missing
 */
export async function readStateSection(
  store: Store,
  state: PublishedState,
  { indexBytes, indexSha256 }: Pick<StateHead, "indexBytes" | "indexSha256">,
): Promise<Uint8Array> {
  if (indexBytes === 0) return new Uint8Array(0);
  const section = await getPart(store, state, { offsetBytes: state.headBytes, lengthBytes: indexBytes });
  if (!equalBytes(sha256(section), indexSha256)) {
    throw new HoldfastError("corrupt", `Cannot read the index of state ${state.stateId}: its checksum does not match`);
  }
  return section;
}

/** Opens the sealed index section of a state: sorted rows, segments numbered as in the state. @throws {HoldfastError} corrupt */
export function openStateSection(
  section: Uint8Array,
  stateId: StateId,
  options: {
    readonly packs: readonly StatePack[];
    readonly indexKey: Uint8Array;
    readonly storeIdBytes: Uint8Array;
  },
): Uint8Array {
  const { packs, indexKey, storeIdBytes } = options;
  if (section.byteLength === 0) return new Uint8Array(0);
  return openIndexSection(section, {
    indexKey,
    storeId: storeIdBytes,
    packIds: packs.map((pack) => pack.packId),
    segmentCount: packs.reduce((sum, pack) => sum + pack.table.byteLength / packTableRowBytes, 0),
    subject: `the index of state ${stateId}`,
  });
}

async function getPart(
  store: Store,
  state: PublishedState,
  range: { offsetBytes: number; lengthBytes: number },
): Promise<Uint8Array> {
  try {
    return await store.get(stateKey(state.stateId), range);
  } catch (cause) {
    if (cause instanceof HoldfastError && cause.kind === "absent") {
      throw new HoldfastError(
        "corrupt",
        `Cannot read state ${state.stateId}: the log publishes it but the store does not have it`,
        { cause },
      );
    }
    throw cause;
  }
}
