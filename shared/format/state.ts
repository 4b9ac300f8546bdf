import { decodeFrame, encodeFrame, frameHeaderBytes, frameTrailerBytes, readFrameHeader } from "./frame.ts";
import { type CborMap, decodeCborMap, encodeCbor } from "./cbor.ts";
import { checkPackTable } from "./pack.ts";
import type { PackKind } from "./segment.ts";
import { formatLimits } from "./limits.ts";
import { type CommitId, idFromBytes, idToBytes, type PackId, type StateId, type StoreId } from "./ids.ts";
import { checkSignature, type Sign, signPayload, splitSigned, type Verify } from "./signed-payload.ts";
import { HoldfastError } from "#shared/errors.ts";
import { sha256 } from "#shared/crypto/sha256.ts";
import { concatBytes } from "#shared/bytes/concat-bytes.ts";

/** A pack that a state adds. */
export type StatePack = {
  readonly packId: PackId;
  readonly kind: PackKind;
  readonly sizeBytes: number;
  /** The pack's table of segments, rows of 56 bytes. */
  readonly table: Uint8Array;
};

/** Segments of one pack that a snapshot needs: bit n (least significant first) stands for row n of the pack's table. */
export type PackReference = { readonly packId: PackId; readonly segments: Uint8Array };

/** Bytes of a session envelope: an encapsulated key of 32, the sealed key of 32, a tag of 16. */
export const sessionEnvelopeBytes = 80;

/** A session key, sealed to the store's public key. */
export type SessionEnvelope = { readonly sessionId: Uint8Array; readonly envelope: Uint8Array };

/**
 * What one writer adds to a store, as read without any key. The object is the *head* (a frame) and, right behind it, the
 * sealed index section. The id of the state is SHA-256 of the head, and the head holds SHA-256 of the section.
 */
export type StateHead = {
  readonly storeId: StoreId;
  readonly commitId: CommitId;
  /** Ed25519 public key of the agent. */
  readonly author: Uint8Array;
  /** The agent's clock, milliseconds since 1970 UTC. Decides nothing. */
  readonly createdMs: number;
  /** The highest log entry that the agent had folded. */
  readonly baseSeq: number;
  /** Opaque to functions: snapshots of one group share a retention policy. 16 bytes. */
  readonly group: Uint8Array;
  readonly packs: readonly StatePack[];
  readonly references: readonly PackReference[];
  readonly sessions: readonly SessionEnvelope[];
  /** The session whose key seals the snapshot header. */
  readonly snapshotSession: Uint8Array;
  /** Nonce, 24 bytes, and the sealed snapshot header. */
  readonly sealedSnapshot: Uint8Array;
  readonly indexBytes: number;
  readonly indexSha256: Uint8Array;
};

/** The head of a state, signed by `sign` (Ed25519, 64 bytes). */
export function encodeStateHead(head: StateHead, sign: Sign): Uint8Array<ArrayBuffer> {
  const body = encodeCbor({
    storeId: idToBytes(head.storeId),
    commitId: idToBytes(head.commitId),
    author: head.author,
    createdMs: head.createdMs,
    baseSeq: head.baseSeq,
    group: head.group,
    packs: head.packs.map(packFields),
    references: head.references.map((each) => ({ pack: idToBytes(each.packId), segments: each.segments })),
    sessions: head.sessions.map(sessionFields),
    snapshotSession: head.snapshotSession,
    sealedSnapshot: head.sealedSnapshot,
    indexBytes: head.indexBytes,
    indexSha256: head.indexSha256,
  });
  return encodeFrame("state", concatBytes(...signPayload(body, "state", sign)));
}

/** The id of the state whose head this is. */
export function stateIdOf(headBytes: Uint8Array): StateId {
  return idFromBytes("state", sha256(headBytes));
}

/** Length in bytes of the head at the start of `bytes`, of which at least 20 are needed. Throws as `decodeFrame`. */
export function stateHeadLength(bytes: Uint8Array, subject: string): number {
  return frameHeaderBytes + readFrameHeader("state", bytes, subject) + frameTrailerBytes;
}

/**
 * Decodes a head and checks its signature, tables and shape. Whether it is the state asked for, the caller checks by its id.
 *
 * @throws {HoldfastError} corrupt or incompatible
 */
export function decodeStateHead(bytes: Uint8Array, subject: string, verify: Verify): StateHead {
  if (bytes.byteLength > formatLimits.stateHeadBytes)
    throw new HoldfastError("corrupt", `Cannot read ${subject}: it is too large`);
  const payload = splitSigned(decodeFrame("state", bytes, subject), subject);
  const map = decodeCborMap(payload.body, subject);
  const head: StateHead = {
    storeId: idFromBytes("store", map.bytes("storeId", 16)),
    commitId: idFromBytes("commit", map.bytes("commitId", 16)),
    author: map.bytes("author", 32),
    createdMs: map.integer("createdMs"),
    baseSeq: map.integer("baseSeq"),
    group: map.bytes("group", 16),
    packs: map.maps("packs").map((each) => decodeStatePack(each)),
    references: map.maps("references").map((each) => {
      const reference = { packId: idFromBytes("pack", each.bytes("pack", 32)), segments: each.bytes("segments") };
      each.end();
      return reference;
    }),
    sessions: decodeSessions(map),
    snapshotSession: map.bytes("snapshotSession", 16),
    sealedSnapshot: map.bytes("sealedSnapshot"),
    indexBytes: map.integer("indexBytes"),
    indexSha256: map.bytes("indexSha256", 32),
  };
  map.end();
  checkSignature(payload, { author: head.author, structure: "state", verify }, subject);
  return head;
}

/** A row of the field `sessions`, as `decodeSessions` reads it. */
export function sessionFields({ sessionId, envelope }: SessionEnvelope) {
  return { id: sessionId, envelope };
}

/** The field `sessions` of a map. @throws {HoldfastError} corrupt */
export function decodeSessions(map: CborMap): SessionEnvelope[] {
  return map.maps("sessions").map((each) => {
    const session = { sessionId: each.bytes("id", 16), envelope: each.bytes("envelope", sessionEnvelopeBytes) };
    each.end();
    return session;
  });
}

/** A row of the field `packs`, as `decodeStatePack` reads it. */
export function packFields({ packId, kind, sizeBytes, table }: StatePack) {
  return { id: idToBytes(packId), kind, sizeBytes, table };
}

/** A row of the field `packs`; its table is checked. @throws {HoldfastError} corrupt */
export function decodeStatePack(map: CborMap): StatePack {
  const pack: StatePack = {
    packId: idFromBytes("pack", map.bytes("id", 32)),
    kind: map.oneOf("kind", ["data", "meta"]),
    sizeBytes: map.integer("sizeBytes", 0, formatLimits.packBytes),
    table: map.bytes("table"),
  };
  map.end();
  checkPackTable(pack.table, pack.sizeBytes, `pack ${pack.packId}`);
  return pack;
}
