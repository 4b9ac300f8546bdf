import { sha256 } from "#shared/crypto/sha256.ts";
import { HoldfastError } from "#shared/errors.ts";
import { decodeCborMap, encodeCbor } from "./cbor.ts";
import { decodeFrame, encodeFrame } from "./frame.ts";
import { idFromBytes, idToBytes, type StateId, type StoreId } from "./ids.ts";
import { decodeSessions, decodeStatePack, type StateHead } from "./state.ts";

/** What a part of checkpoints says of a state: what its head says, but for the snapshot. */
export type PartState = Pick<StateHead, "packs" | "sessions" | "indexBytes" | "indexSha256"> & {
  readonly stateId: StateId;
};

/**
 * States as opening a repository needs them. The object `checkpoints/parts/<SHA-256 of the head>` is the *head* (a frame) and, right
 * behind it, the index sections of the states in the order of `states`, as they stand in the states.
 */
export type CheckpointPart = { readonly storeId: StoreId; readonly states: readonly PartState[] };

/** The head of a part. @see FORMAT.md, Checkpoint */
export function encodeCheckpointPart({ storeId, states }: CheckpointPart): Uint8Array<ArrayBuffer> {
  return encodeFrame(
    "checkpointPart",
    encodeCbor({
      storeId: idToBytes(storeId),
      states: states.map((state) => ({
        state: idToBytes(state.stateId),
        packs: state.packs.map((pack) => ({
          id: idToBytes(pack.packId),
          kind: pack.kind,
          sizeBytes: pack.sizeBytes,
          table: pack.table,
        })),
        sessions: state.sessions.map((each) => ({ id: each.sessionId, envelope: each.envelope })),
        indexBytes: state.indexBytes,
        indexSha256: state.indexSha256,
      })),
    }),
  );
}

/** The name of the part whose head this is: SHA-256, 32 bytes. */
export function checkpointPartId(headBytes: Uint8Array): Uint8Array {
  return sha256(headBytes);
}

/**
 * Decodes the head of a part and checks its shape. Whether it is the part asked for, the caller checks by its name.
 *
 * @throws {HoldfastError} corrupt or incompatible
 */
export function decodeCheckpointPart(bytes: Uint8Array, subject: string): CheckpointPart {
  const map = decodeCborMap(decodeFrame("checkpointPart", bytes, subject), subject);
  const part = {
    storeId: idFromBytes("store", map.bytes("storeId", 16)),
    states: map.maps("states").map((each) => {
      const state = {
        stateId: idFromBytes("state", each.bytes("state", 32)),
        packs: each.maps("packs").map((pack) => decodeStatePack(pack)),
        sessions: decodeSessions(each),
        indexBytes: each.integer("indexBytes"),
        indexSha256: each.bytes("indexSha256", 32),
      };
      each.end();
      return state;
    }),
  };
  map.end();
  if (new Set(part.states.map((each) => each.stateId)).size !== part.states.length)
    throw new HoldfastError("corrupt", `Cannot read ${subject}: it has two rows of one state`);
  return part;
}
