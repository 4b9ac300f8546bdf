import { decodeFrame, encodeFrame } from "./frame.ts";
import { type CborMap, type CborValue, decodeCborMap, encodeCbor } from "./cbor.ts";
import { type CommitId, idFromBytes, idToBytes, type PackId, type StateId, type StoreId } from "./ids.ts";
import { formatLimits } from "./limits.ts";
import { checkSignature, type Sign, signPayload, splitSigned, type Verify } from "./signed-payload.ts";
import { decodeStatePack, packFields, type PackReference, type StatePack } from "./state.ts";
import { concatBytes } from "#shared/bytes/concat-bytes.ts";
import { HoldfastError } from "#shared/errors.ts";

/** One thing that a log entry decides. */
export type LogEvent =
  | {
      /** Publishes a state: its snapshot becomes visible. */
      readonly type: "commit";
      readonly stateId: StateId;
      readonly commitId: CommitId;
      /** Length of the state's head and of the whole object, bytes. */
      readonly headBytes: number;
      readonly stateBytes: number;
      /** Condemned packs that the snapshot needs and that this event takes back. */
      readonly revive: readonly PackId[];
    }
  | { readonly type: "remove"; readonly snapshots: readonly StateId[] }
  | {
      /** Takes removals back. */
      readonly type: "undelete";
      readonly snapshots: readonly StateId[];
      /** Condemned packs that the snapshots need and that this event takes back. */
      readonly revive: readonly PackId[];
    }
  | {
      /** Announces a sweep: deduplication does not see these packs any more, reads still work. */
      readonly type: "condemn";
      readonly packs: readonly PackId[];
    }
  | {
      /** Takes condemnations back. */
      readonly type: "revive";
      readonly packs: readonly PackId[];
    }
  | {
      /** Gives condemned packs and unneeded states up for good: from here on they may be deleted. */
      readonly type: "sweep";
      readonly packs: readonly PackId[];
      /** States whose snapshot is removed, or that were never published. */
      readonly states: readonly StateId[];
    }
  | {
      /**
       * Says where copied segments are from now on. The rows that `from` marks, pack after pack and row after row, are the rows of the
       * tables of `to`, pack after pack and row after row.
       */
      readonly type: "relocate";
      /** Bit n (least significant first) of `segments` stands for row n of the pack's table; the last byte is not zero. */
      readonly from: readonly PackReference[];
      readonly to: readonly StatePack[];
    }
  | {
      /** Vouches for the object `checkpoints/<seq>`. */
      readonly type: "checkpoint";
      readonly seq: number;
      /** SHA-256 of its head, 32 bytes. */
      readonly sha256: Uint8Array;
    }
  | {
      /** Replaces settings of `config`. */
      readonly type: "settings";
      /** Time between condemning and sweeping a pack, milliseconds. */
      readonly graceMs: number;
    };

/** The object `log/<seq>`. */
export type LogEntry = {
  readonly storeId: StoreId;
  readonly seq: number;
  /** SHA-256 of the entry before; zeros for the first. */
  readonly prev: Uint8Array;
  /** The appender's clock, milliseconds since 1970 UTC. */
  readonly timeMs: number;
  /** Names this attempt, so that its writer recognises it after a lost reply. */
  readonly commitId: CommitId;
  /** Ed25519 public key of the appender. */
  readonly author: Uint8Array;
  readonly events: readonly LogEvent[];
};

/** @see FORMAT.md, Log entry */
export function encodeLogEntry(entry: LogEntry, sign: Sign): Uint8Array<ArrayBuffer> {
  const body = encodeCbor({
    storeId: idToBytes(entry.storeId),
    seq: entry.seq,
    prev: entry.prev,
    timeMs: entry.timeMs,
    commitId: idToBytes(entry.commitId),
    author: entry.author,
    events: entry.events.map((event) => encodeEvent(event)),
  });
  return encodeFrame("logEntry", concatBytes(...signPayload(body, "log-entry", sign)));
}

/** Decodes an entry and checks its signature. @throws {HoldfastError} corrupt or incompatible */
export function decodeLogEntry(bytes: Uint8Array, subject: string, verify: Verify): LogEntry {
  if (bytes.byteLength > formatLimits.logEntryBytes)
    throw new HoldfastError("corrupt", `Cannot read ${subject}: it is too large`);
  const payload = splitSigned(decodeFrame("logEntry", bytes, subject), subject);
  const map = decodeCborMap(payload.body, subject);
  const entry: LogEntry = {
    storeId: idFromBytes("store", map.bytes("storeId", 16)),
    seq: map.integer("seq", 1),
    prev: map.bytes("prev", 32),
    timeMs: map.integer("timeMs"),
    commitId: idFromBytes("commit", map.bytes("commitId", 16)),
    author: map.bytes("author", 32),
    events: map.maps("events").map((each) => decodeEvent(each)),
  };
  map.end();
  checkSignature(payload, { author: entry.author, structure: "log-entry", verify }, subject);
  return entry;
}

function encodeEvent(event: LogEvent): CborValue {
  switch (event.type) {
    case "commit":
      return {
        type: event.type,
        state: idToBytes(event.stateId),
        commit: idToBytes(event.commitId),
        headBytes: event.headBytes,
        stateBytes: event.stateBytes,
        revive: event.revive.map((each) => idToBytes(each)),
      };
    case "remove":
      return { type: event.type, snapshots: event.snapshots.map((each) => idToBytes(each)) };
    case "undelete":
      return {
        type: event.type,
        snapshots: event.snapshots.map((each) => idToBytes(each)),
        revive: event.revive.map((each) => idToBytes(each)),
      };
    case "condemn":
    case "revive":
      return { type: event.type, packs: event.packs.map((each) => idToBytes(each)) };
    case "sweep":
      return {
        type: event.type,
        packs: event.packs.map((each) => idToBytes(each)),
        states: event.states.map((each) => idToBytes(each)),
      };
    case "relocate":
      return {
        type: event.type,
        from: event.from.map((each) => ({ pack: idToBytes(each.packId), segments: each.segments })),
        to: event.to.map(packFields),
      };
    case "checkpoint":
      return { type: event.type, seq: event.seq, sha256: event.sha256 };
    case "settings":
      return { type: event.type, graceMs: event.graceMs };
  }
}

function decodeEvent(map: CborMap): LogEvent {
  const type = map.text("type", 64);
  let event: LogEvent;
  switch (type) {
    case "commit":
      event = {
        type,
        stateId: idFromBytes("state", map.bytes("state", 32)),
        commitId: idFromBytes("commit", map.bytes("commit", 16)),
        headBytes: map.integer("headBytes", 1, formatLimits.stateHeadBytes),
        stateBytes: map.integer("stateBytes", 1),
        revive: packIds(map, "revive"),
      };
      break;
    case "remove":
      event = { type, snapshots: stateIds(map, "snapshots") };
      break;
    case "undelete":
      event = { type, snapshots: stateIds(map, "snapshots"), revive: packIds(map, "revive") };
      break;
    case "condemn":
    case "revive":
      event = { type, packs: packIds(map, "packs") };
      break;
    case "sweep":
      event = { type, packs: packIds(map, "packs"), states: stateIds(map, "states") };
      break;
    case "relocate":
      event = {
        type,
        from: map.maps("from").map((each) => decodeMoved(each)),
        to: map.maps("to").map((each) => decodePlaced(each)),
      };
      break;
    case "checkpoint":
      event = { type, seq: map.integer("seq", 1), sha256: map.bytes("sha256", 32) };
      break;
    case "settings":
      event = { type, graceMs: map.integer("graceMs") };
      break;
    default:
      throw new HoldfastError("incompatible", `Cannot read ${map.subject}: its type "${type}" is not known`, {
        hint: "Use a newer version of Holdfast.",
      });
  }
  map.end();
  return event;
}

function packIds(map: CborMap, name: string): PackId[] {
  return map.bytesList(name, 32).map((each) => idFromBytes("pack", each));
}

function stateIds(map: CborMap, name: string): StateId[] {
  return map.bytesList(name, 32).map((each) => idFromBytes("state", each));
}

function decodeMoved(map: CborMap): PackReference {
  const moved = { packId: idFromBytes("pack", map.bytes("pack", 32)), segments: map.bytes("segments") };
  // One set of rows, one form: so no row is named twice by a longer bitmap, and none is marked in vain.
  if ((moved.segments.at(-1) ?? 0) === 0) map.fail("segments", "does not end in a byte that marks a row");
  map.end();
  return moved;
}

function decodePlaced(map: CborMap): StatePack {
  const pack = decodeStatePack(map);
  if (pack.table.byteLength === 0) map.fail("table", "has no row");
  return pack;
}
