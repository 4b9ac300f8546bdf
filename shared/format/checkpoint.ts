import type { ByteReader } from "#shared/bytes/byte-reader.ts";
import type { ByteWriter } from "#shared/bytes/byte-writer.ts";
import { concatBytes } from "#shared/bytes/concat-bytes.ts";
import { equalBytes } from "#shared/bytes/equal-bytes.ts";
import { sha256 } from "#shared/crypto/sha256.ts";
import { HoldfastError } from "#shared/errors.ts";
import { decodeCborMap, encodeCbor } from "./cbor.ts";
import { decodeFrame, frameHeaderBytes, framePieces, frameTrailerBytes, readFrameHeader } from "./frame.ts";
import { decodeIdRows, encodeIdRows, type IdRows, readSeq, readU64, writeU64 } from "./id-rows.ts";
import { type CommitId, idFromBytes, idToBytes, type PackId, type StateId, type StoreId } from "./ids.ts";
import { checkSignature, type Sign, signPayload, splitSigned, type Verify } from "./signed-payload.ts";
import { formatVersions } from "./version.ts";

/** A snapshot as the log knows it. */
export type CheckpointSnapshot = {
  /** The state that added it; also the snapshot's id. */
  readonly stateId: StateId;
  /** The commit id that its state carries. */
  readonly commitId: CommitId;
  /** The entry that published it, and that entry's time in milliseconds since 1970 UTC. */
  readonly seq: number;
  readonly timeMs: number;
  /** Length of the state's head and of the whole state object, bytes. */
  readonly headBytes: number;
  readonly stateBytes: number;
  /** The entry that removed it, while it is removed. */
  readonly removed?: LogMoment;
};

/** An entry of the log, by number and time (milliseconds since 1970 UTC, by its appender's clock). */
export type LogMoment = { readonly seq: number; readonly timeMs: number };

/** A run of bytes behind the head of a checkpoint, verifiable alone. Names are of `a-z` and `-`, 1 to 32 letters. */
export type CheckpointSection = { readonly name: string; readonly bytes: number; readonly sha256: Uint8Array };

/**
 * The fold of log entries 1..`seq`, as read without any key. The object `checkpoints/<seq>` is the *head* (a frame) and,
 * right behind it, the sections in the order of `sections`, without gaps.
 *
 * A checkpoint is a shortcut, never the truth: it can be deleted and made again from the log. Its version rises with
 * every event that the fold learns, so that a program which would refuse the log refuses the checkpoint too.
 */
export type CheckpointHead = {
  readonly storeId: StoreId;
  /** The last entry that is folded in, and SHA-256 of that entry. */
  readonly seq: number;
  readonly entrySha256: Uint8Array;
  /** The author's clock, milliseconds since 1970 UTC. Decides nothing. */
  readonly timeMs: number;
  /** Ed25519 public key of the author. */
  readonly author: Uint8Array;
  /** Every snapshot of the fold, also the removed ones. */
  readonly snapshots: IdRows<CheckpointSnapshot>;
  /** The commit ids of the latest entries that the fold remembers. */
  readonly attempts: IdRows<{ readonly commitId: CommitId; readonly seq: number }>;
  /** Packs that are condemned and not swept, and the entry that condemned each. */
  readonly condemned: IdRows<{ readonly packId: PackId } & LogMoment>;
  /** Packs that were ever swept, and the entry that swept each. */
  readonly swept: IdRows<{ readonly packId: PackId; readonly seq: number }>;
  readonly sections: readonly CheckpointSection[];
};

/** The byte table of a row of `snapshots`; rows ascend by state id. */
export const checkpointSnapshotLayout = [
  ["stateId", 32, "the state"],
  ["commitId", 16, "the commit id of the state"],
  ["seq", 8, "the entry that published it"],
  ["timeMs", 8, "the time of that entry"],
  ["headBytes", 8, "length of the state's head"],
  ["stateBytes", 8, "length of the state object"],
  ["removedSeq", 8, "the entry that removed it, or zero"],
  ["removedTimeMs", 8, "the time of that entry, or zero"],
] as const;

/** The byte table of a row of `attempts`; rows ascend by commit id. */
export const checkpointAttemptLayout = [
  ["commitId", 16, "the commit id of an entry"],
  ["seq", 8, "that entry"],
] as const;

/** The byte table of a row of `condemned`; rows ascend by pack id. */
export const checkpointCondemnedLayout = [
  ["packId", 32, "the pack"],
  ["seq", 8, "the entry that condemned it"],
  ["timeMs", 8, "the time of that entry"],
] as const;

/** The byte table of a row of `swept`; rows ascend by pack id. */
export const checkpointSweptLayout = [
  ["packId", 32, "the pack"],
  ["seq", 8, "the entry that swept it"],
] as const;

/** The longest head of a checkpoint, bytes: 3 million snapshots, or 6 million packs. */
export const checkpointHeadLimitBytes = 320 * 1024 * 1024;

const snapshotRow = { rowBytes: 96, idBytes: 32 };
const attemptRow = { rowBytes: 24, idBytes: 16 };
const condemnedRow = { rowBytes: 48, idBytes: 32 };
const sweptRow = { rowBytes: 40, idBytes: 32 };

/**
 * The head of a checkpoint, signed by `sign` (Ed25519, 64 bytes). Rows ascend by id, so equal folds give equal bytes.
 *
 * @throws {HoldfastError} internal: rows do not ascend
 * @see FORMAT.md, Checkpoint
 */
export function encodeCheckpointHead(head: CheckpointHead, sign: Sign): Uint8Array<ArrayBuffer> {
  return concatBytes(...checkpointHeadPieces(head, sign));
}

/** As `encodeCheckpointHead`, in a few pieces that lie one behind the other: it may have hundreds of megabytes. */
export function checkpointHeadPieces(head: CheckpointHead, sign: Sign): readonly Uint8Array[] {
  const body = encodeCbor({
    storeId: idToBytes(head.storeId),
    seq: head.seq,
    entrySha256: head.entrySha256,
    timeMs: head.timeMs,
    author: head.author,
    snapshots: encodeIdRows(head.snapshots, snapshotRow, writeSnapshot),
    attempts: encodeIdRows(head.attempts, attemptRow, (writer, each) => {
      writer.raw(idToBytes(each.commitId));
      writeU64(writer, each.seq);
    }),
    condemned: encodeIdRows(head.condemned, condemnedRow, (writer, each) => {
      writer.raw(idToBytes(each.packId));
      writeU64(writer, each.seq);
      writeU64(writer, each.timeMs);
    }),
    swept: encodeIdRows(head.swept, sweptRow, (writer, each) => {
      writer.raw(idToBytes(each.packId));
      writeU64(writer, each.seq);
    }),
    sections: head.sections.map((each) => ({ name: each.name, bytes: each.bytes, sha256: each.sha256 })),
  });
  return framePieces("checkpoint", formatVersions.checkpoint, signPayload(body, "checkpoint", sign));
}

/**
 * Length in bytes of the head at the start of `bytes`, of which at least 20 are needed.
 *
 * @throws {HoldfastError} corrupt or incompatible, as `decodeFrame`
 */
export function checkpointHeadLength(bytes: Uint8Array, subject: string): number {
  const length = frameHeaderBytes + readFrameHeader("checkpoint", bytes, subject) + frameTrailerBytes;
  if (length > checkpointHeadLimitBytes)
    throw new HoldfastError("corrupt", `Cannot read ${subject}: its head is too large`);
  return length;
}

/**
 * Decodes a head and checks its signature and shape. That it folds what the log holds, only the log can tell:
 * `entrySha256` ties it to entry `seq`, and the entry after to the same hash.
 *
 * @param bytes - the head alone, `checkpointHeadLength` bytes
 * @throws {HoldfastError} corrupt or incompatible
 */
export function decodeCheckpointHead(bytes: Uint8Array, subject: string, verify: Verify): CheckpointHead {
  if (bytes.byteLength > checkpointHeadLimitBytes)
    throw new HoldfastError("corrupt", `Cannot read ${subject}: its head is too large`);
  const payload = splitSigned(decodeFrame("checkpoint", bytes, subject), subject);
  const map = decodeCborMap(payload.body, subject);
  const seq = map.integer("seq", 1);
  const head: CheckpointHead = {
    storeId: idFromBytes("store", map.bytes("storeId", 16)),
    seq,
    entrySha256: map.bytes("entrySha256", 32),
    timeMs: map.integer("timeMs"),
    author: map.bytes("author", 32),
    snapshots: decodeIdRows(map.bytes("snapshots"), snapshotRow, `${subject}, snapshots`, (reader) =>
      readSnapshot(reader, seq),
    ),
    attempts: decodeIdRows(map.bytes("attempts"), attemptRow, `${subject}, attempts`, (reader) => ({
      commitId: idFromBytes("commit", reader.view(16)),
      seq: readSeq(reader, seq),
    })),
    condemned: decodeIdRows(map.bytes("condemned"), condemnedRow, `${subject}, condemned`, (reader) => ({
      packId: idFromBytes("pack", reader.view(32)),
      seq: readSeq(reader, seq),
      timeMs: readU64(reader),
    })),
    swept: decodeIdRows(map.bytes("swept"), sweptRow, `${subject}, swept`, (reader) => ({
      packId: idFromBytes("pack", reader.view(32)),
      seq: readSeq(reader, seq),
    })),
    sections: map.maps("sections").map((each) => {
      const section = { name: each.text("name", 32), bytes: each.integer("bytes"), sha256: each.bytes("sha256", 32) };
      each.end();
      if (!/^[a-z-]{1,32}$/.test(section.name)) each.fail("name", "is not a section's name");
      return section;
    }),
  };
  map.end();
  if (new Set(head.sections.map((each) => each.name)).size !== head.sections.length)
    throw new HoldfastError("corrupt", `Cannot read ${subject}: it has two sections of one name`);
  checkSignature(payload, { author: head.author, structure: "checkpoint", verify }, subject);
  return head;
}

/** Describes a section for the head. `parts` are its content, to be stored in the same order. */
export function checkpointSection(name: string, parts: readonly Uint8Array[]): CheckpointSection {
  return { name, bytes: parts.reduce((sum, each) => sum + each.byteLength, 0), sha256: sha256(...parts) };
}

/**
 * Where a section lies in the object, bytes; undefined when the checkpoint has none of that name.
 *
 * @param headBytes - length of the head, from `checkpointHeadLength`
 */
export function checkpointSectionRange(
  head: CheckpointHead,
  headBytes: number,
  name: string,
): { readonly offsetBytes: number; readonly lengthBytes: number } | undefined {
  let offsetBytes = headBytes;
  for (const section of head.sections) {
    if (section.name === name) return { offsetBytes, lengthBytes: section.bytes };
    offsetBytes += section.bytes;
  }
  return undefined;
}

/** Checks the content of a section against the head. @throws {HoldfastError} corrupt */
export function checkCheckpointSection(section: CheckpointSection, content: Uint8Array, subject: string): void {
  if (content.byteLength !== section.bytes || !equalBytes(sha256(content), section.sha256)) {
    throw new HoldfastError(
      "corrupt",
      `Cannot read ${subject}: its section "${section.name}" does not match its checksum`,
    );
  }
}

function writeSnapshot(writer: ByteWriter, snapshot: CheckpointSnapshot): void {
  writer.raw(idToBytes(snapshot.stateId));
  writer.raw(idToBytes(snapshot.commitId));
  writeU64(writer, snapshot.seq);
  writeU64(writer, snapshot.timeMs);
  writeU64(writer, snapshot.headBytes);
  writeU64(writer, snapshot.stateBytes);
  writeU64(writer, snapshot.removed?.seq ?? 0);
  writeU64(writer, snapshot.removed?.timeMs ?? 0);
}

function readSnapshot(reader: ByteReader, lastSeq: number): CheckpointSnapshot {
  const snapshot: CheckpointSnapshot = {
    stateId: idFromBytes("state", reader.view(32)),
    commitId: idFromBytes("commit", reader.view(16)),
    seq: readSeq(reader, lastSeq),
    timeMs: readU64(reader),
    headBytes: readU64(reader),
    stateBytes: readU64(reader),
  };
  if (snapshot.headBytes > snapshot.stateBytes) reader.fail("has a state shorter than its head");
  const removedSeq = readU64(reader);
  const removedTimeMs = readU64(reader);
  if (removedSeq === 0 && removedTimeMs === 0) return snapshot;
  if (removedSeq < snapshot.seq || removedSeq > lastSeq) reader.fail("removes a snapshot at an impossible entry");
  return { ...snapshot, removed: { seq: removedSeq, timeMs: removedTimeMs } };
}
