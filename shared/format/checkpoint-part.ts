import { createSha256 } from "#shared/crypto/sha256.ts";
import { HoldfastError } from "#shared/errors.ts";
import { decodeCborMap, encodeCbor } from "./cbor.ts";
import { decodeFrame, framePieces, frameVersion } from "./frame.ts";
import { idFromBytes, idToBytes, type StateId, type StoreId } from "./ids.ts";
import { decodeSessions, decodeStatePack, packFields, sessionFields, type StateHead, type StatePack } from "./state.ts";

/** What a part of checkpoints says of a state: what its head says, but for the snapshot. */
export type PartState = Pick<StateHead, "packs" | "sessions" | "indexBytes" | "indexSha256"> & {
  readonly stateId: StateId;
};

/**
 * States as opening a repository needs them, and packs that relocations placed. The object `checkpoints/parts/<SHA-256 of the head>` is
 * the *head* (a frame) and, right behind it, the index sections of the states in the order of `states`, as they stand in the states.
 */
export type CheckpointPart = {
  readonly storeId: StoreId;
  readonly states: readonly PartState[];
  readonly placed: readonly StatePack[];
};

/** A row of `states`, encoded. */
export function encodePartState(state: PartState): Uint8Array {
  return encodeCbor({
    state: idToBytes(state.stateId),
    packs: state.packs.map(packFields),
    sessions: state.sessions.map(sessionFields),
    indexBytes: state.indexBytes,
    indexSha256: state.indexSha256,
  });
}

/** A row of `placed`, encoded. */
export function encodePartPack(pack: StatePack): Uint8Array {
  return encodeCbor(packFields(pack));
}

/**
 * The head of a part, of rows that are encoded already, as pieces that lie one behind the other. Without placed packs it is of version 1.
 *
 * @see FORMAT.md, Checkpoint
 */
export function checkpointPartPieces(
  storeId: StoreId,
  states: readonly Uint8Array[],
  placed: readonly Uint8Array[],
): readonly Uint8Array[] {
  // A CBOR map of two or three fields, by hand: the rows of large parts are not copied.
  const fields = [...rows("states", states), encodeCbor("storeId"), encodeCbor(idToBytes(storeId))];
  if (placed.length === 0) return framePieces("checkpointPart", 1, [Uint8Array.of(0xa2), ...fields]);
  return framePieces("checkpointPart", 2, [Uint8Array.of(0xa3), ...rows("placed", placed), ...fields]);
}

/** The name of the part whose head this is, in one piece or several: SHA-256, 32 bytes. */
export function checkpointPartId(head: readonly Uint8Array[]): Uint8Array {
  const hash = createSha256();
  for (const piece of head) hash.update(piece);
  return hash.digest();
}

/**
 * Decodes the head of a part and checks its shape. Whether it is the part asked for, the caller checks by its name.
 *
 * @throws {HoldfastError} corrupt or incompatible
 */
export function decodeCheckpointPart(bytes: Uint8Array, subject: string): CheckpointPart {
  const map = decodeCborMap(decodeFrame("checkpointPart", bytes, subject), subject);
  const part: CheckpointPart = {
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
    placed: frameVersion(bytes) < 2 ? [] : map.maps("placed").map((pack) => decodeStatePack(pack)),
  };
  map.end();
  if (new Set(part.states.map((each) => each.stateId)).size !== part.states.length)
    throw new HoldfastError("corrupt", `Cannot read ${subject}: it has two rows of one state`);
  if (new Set(part.placed.map((each) => each.packId)).size !== part.placed.length)
    throw new HoldfastError("corrupt", `Cannot read ${subject}: it has two rows of one pack`);
  return part;
}

/** A field of a map whose value is an array. */
function rows(name: string, all: readonly Uint8Array[]): readonly Uint8Array[] {
  return [encodeCbor(name), arrayHead(all.length), ...all];
}

/** The head of a CBOR array (RFC 8949 §3.1). */
function arrayHead(length: number): Uint8Array {
  if (length < 24) return Uint8Array.of(0x80 | length);
  if (length < 0x100) return Uint8Array.of(0x98, length);
  if (length < 0x10000) return Uint8Array.of(0x99, length >>> 8, length & 255);
  return Uint8Array.of(0x9a, length >>> 24, (length >>> 16) & 255, (length >>> 8) & 255, length & 255);
}
