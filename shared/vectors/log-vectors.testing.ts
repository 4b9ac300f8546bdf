import { concatBytes } from "#shared/bytes/concat-bytes.ts";
import { encodeHex } from "#shared/bytes/hex.ts";
import { sha256 } from "#shared/crypto/sha256.ts";
import { encodeCbor, type CborValue } from "#shared/format/cbor.ts";
import { type CheckpointHead, encodeCheckpointHead } from "#shared/format/checkpoint.ts";
import { type CommitId, idFromBytes, idToBytes, type PackId, type StateId } from "#shared/format/ids.ts";
import { encodeLogEntry, type LogEntry, type LogEvent } from "#shared/format/log-entry.ts";
import { sign, signer, storeId, storeIdBytes, vectorTimeMs } from "./fixed-store.testing.ts";
import { spoiledFrames, spoiledMaps, withChecksum, withFlippedBit, withPayload } from "./spoil.testing.ts";
import { refused, success, type Vector } from "./vector.testing.ts";

/** Log entries, logs folded from the first entry on, and the heads of checkpoints. */
export function logVectors(): Vector[] {
  return [...entryVectors(), ...foldVectors(), ...checkpointVectors()];
}

const state = (name: string): StateId => idFromBytes("state", sha256(Buffer.from(`state ${name}`)));
const pack = (name: string): PackId => idFromBytes("pack", sha256(Buffer.from(`pack ${name}`)));
const commit = (name: string): CommitId => idFromBytes("commit", sha256(Buffer.from(`commit ${name}`)).slice(0, 16));

const publish = (name: string, change: Partial<Extract<LogEvent, { type: "commit" }>> = {}): LogEvent => ({
  type: "commit",
  stateId: state(name),
  commitId: commit(name),
  headBytes: 1000,
  stateBytes: 1500,
  revive: [],
  ...change,
});

function entryOf(seq: number, prev: Uint8Array, events: readonly LogEvent[], change: Partial<LogEntry> = {}): LogEntry {
  return {
    storeId,
    seq,
    prev,
    timeMs: vectorTimeMs + seq,
    commitId: commit(`entry ${seq}`),
    author: signer.publicKey,
    events,
    ...change,
  };
}

const zeros = new Uint8Array(32);

function entryVectors(): Vector[] {
  const entry = entryOf(5, sha256(Buffer.from("entry 4")), [publish("a", { revive: [pack("x")] })]);
  const good = encodeLogEntry(entry, sign);
  const fields: Record<string, CborValue> = {
    storeId: storeIdBytes,
    seq: 5,
    prev: entry.prev,
    timeMs: entry.timeMs,
    commitId: idToBytes(entry.commitId),
    author: entry.author,
    events: [{ type: "remove", snapshots: [idToBytes(state("a"))] }],
  };
  const signed = (body: Uint8Array): Uint8Array =>
    withPayload(good, concatBytes(body, sign(concatBytes(Buffer.from("holdfast/v1/log-entry\0"), body))));
  const bad = (
    name: string,
    about: string,
    change: Record<string, CborValue>,
    expect: "corrupt" | "incompatible" = "corrupt",
  ): Vector => refused("log-entry", name, about, expect, signed(encodeCbor({ ...fields, ...change })));
  const event = (change: Record<string, CborValue>): Record<string, CborValue> => ({
    events: [
      {
        type: "commit",
        state: idToBytes(state("a")),
        commit: idToBytes(commit("a")),
        headBytes: 1,
        stateBytes: 1,
        revive: [],
        ...change,
      },
    ],
  });
  const others: LogEvent[] = [
    { type: "remove", snapshots: [state("a"), state("b")] },
    { type: "undelete", snapshots: [state("a")], revive: [pack("x"), pack("y")] },
  ];
  return [
    success("log-entry", "commit", "Publishes a state and revives a pack.", {}, encodeHex(good)),
    success(
      "log-entry",
      "remove-and-undelete",
      "Two events in one entry.",
      {},
      encodeHex(encodeLogEntry(entryOf(6, zeros, others), sign)),
    ),
    ...spoiledFrames(good).map((each) => refused("log-entry", each.name, each.about, each.expect, each.bytes)),
    ...spoiledMaps(fields).map((each) => refused("log-entry", each.name, each.about, each.expect, signed(each.bytes))),
    refused(
      "log-entry",
      "bad-signature",
      "A bit of the signature is flipped; the checksum is right.",
      "corrupt",
      withChecksum(withFlippedBit(good, -33)),
    ),
    refused(
      "log-entry",
      "no-signature",
      "There is no signature; the checksum is right.",
      "corrupt",
      withPayload(good, new Uint8Array(10)),
    ),
    bad("other-author", "Signed by another than it says.", { author: sha256(Buffer.from("another agent")) }),
    bad("number-zero", "Entries count from 1.", { seq: 0 }),
    bad("number-above-2-53", "A number that is not exact.", { timeMs: 2 ** 53 }),
    bad("fraction", "A number is a fraction.", { timeMs: 0.5 }),
    bad(
      "unknown-event",
      "An event that this version does not know.",
      { events: [{ type: "sweep", packs: [] }] },
      "incompatible",
    ),
    bad("unknown-event-field", "An event has a field more.", event({ zzzzzz: 1 })),
    bad("short-state-id", "A state id has 31 bytes.", event({ state: new Uint8Array(31) })),
    bad(
      "head-too-large",
      "A head is longer than heads may be.",
      event({ headBytes: 1024 * 1024 * 1024 + 1, stateBytes: 2 ** 40 }),
    ),
    bad("event-is-no-map", "An event is a number.", { events: [1] }),
  ];
}

/** A log of entries, each the next of the one before. */
type ChainEntry = { readonly events: readonly LogEvent[]; readonly change?: Partial<LogEntry> };

function chain(...entries: readonly ChainEntry[]): string[] {
  const log: string[] = [];
  let prev: Uint8Array = zeros;
  for (const [index, { events, change }] of entries.entries()) {
    const bytes = encodeLogEntry(entryOf(index + 1, prev, events, change), sign);
    prev = sha256(bytes);
    log.push(encodeHex(bytes));
  }
  return log;
}

function foldVectors(): Vector[] {
  const a = publish("a");
  const b = publish("b");
  const removeA: LogEvent = { type: "remove", snapshots: [state("a")] };
  const undeleteA: LogEvent = { type: "undelete", snapshots: [state("a")], revive: [] };
  const bad = (name: string, about: string, ...entries: ChainEntry[]): Vector => ({
    structure: "log",
    name,
    about,
    context: { storeId },
    input: chain(...entries),
    expect: "corrupt",
  });
  const whole = chain(
    { events: [a] },
    { events: [b] },
    { events: [removeA] },
    { events: [undeleteA, { type: "remove", snapshots: [state("b")] }] },
  );
  const otherStore = { storeId: idFromBytes("store", new Uint8Array(16)) };
  return [
    success("log", "empty", "The fold of no entries.", { storeId }, []),
    success(
      "log",
      "publish-remove-undelete",
      "Two snapshots; one is removed and brought back, then the other removed.",
      { storeId },
      whole,
    ),
    {
      ...success("log", "gap", "The second entry is missing.", { storeId }, [whole[0]!, whole[2]!]),
      expect: "corrupt",
    },
    {
      ...success("log", "exchanged", "Two entries changed places.", { storeId }, [whole[1]!, whole[0]!]),
      expect: "corrupt",
    },
    bad("wrong-store", "An entry of another store.", { events: [a], change: otherStore }),
    bad(
      "wrong-number",
      "The second entry says that it is the third.",
      { events: [a] },
      { events: [b], change: { seq: 3 } },
    ),
    bad(
      "wrong-hash",
      "The second entry follows another first one: the log was rewritten.",
      { events: [a] },
      { events: [b], change: { prev: sha256(Buffer.from("x")) } },
    ),
    bad("first-follows-something", "The first entry says that one came before.", {
      events: [a],
      change: { prev: sha256(Buffer.from("x")) },
    }),
    bad("no-events", "An entry without events.", { events: [] }),
    bad(
      "attempt-twice",
      "Two entries have one commit id.",
      { events: [a] },
      { events: [b], change: { commitId: commit("entry 1") } },
    ),
    bad(
      "state-twice",
      "A state is published twice.",
      { events: [a] },
      { events: [publish("a", { commitId: commit("b") })] },
    ),
    bad(
      "commit-id-twice",
      "Two states have one commit id.",
      { events: [a] },
      { events: [publish("b", { commitId: commit("a") })] },
    ),
    bad("state-shorter-than-head", "A state is shorter than its head.", {
      events: [publish("a", { stateBytes: 999 })],
    }),
    bad("revive-what-is-not-condemned", "A pack is revived that is not condemned.", {
      events: [publish("a", { revive: [pack("x")] })],
    }),
    bad("remove-unknown", "A snapshot is removed that was never published.", { events: [removeA] }),
    bad("remove-twice", "A snapshot is removed twice.", { events: [a] }, { events: [removeA] }, { events: [removeA] }),
    bad(
      "remove-named-twice",
      "A snapshot is named twice in one event.",
      { events: [a] },
      { events: [{ type: "remove", snapshots: [state("a"), state("a")] }] },
    ),
    bad(
      "remove-nothing",
      "An event names no snapshot.",
      { events: [a] },
      { events: [{ type: "remove", snapshots: [] }] },
    ),
    bad(
      "undelete-what-is-there",
      "A snapshot is brought back that is not removed.",
      { events: [a] },
      { events: [undeleteA] },
    ),
  ];
}

function checkpointVectors(): Vector[] {
  const head: CheckpointHead = {
    storeId,
    seq: 600,
    entrySha256: sha256(Buffer.from("entry 600")),
    timeMs: vectorTimeMs,
    author: signer.publicKey,
    snapshots: ["a", "b"].map((name, index) => ({
      stateId: state(name),
      commitId: commit(name),
      seq: 10 + index,
      timeMs: vectorTimeMs + index,
      headBytes: 1000,
      stateBytes: 1500,
      ...(index === 0 ? {} : { removed: { seq: 20, timeMs: vectorTimeMs + 20 } }),
    })),
    attempts: [
      { commitId: commit("entry 599"), seq: 599 },
      { commitId: commit("entry 600"), seq: 600 },
    ],
    condemned: [{ packId: pack("x"), seq: 30, timeMs: vectorTimeMs + 30 }],
    swept: [{ packId: pack("y"), seq: 40 }],
    sections: [{ name: "states", bytes: 10, sha256: sha256(Buffer.from("0123456789")) }],
  };
  const good = encodeCheckpointHead(head, sign);
  const least = encodeCheckpointHead(
    { ...head, snapshots: [], attempts: [], condemned: [], swept: [], sections: [] },
    sign,
  );
  const fields: Record<string, CborValue> = {
    storeId: storeIdBytes,
    seq: 1,
    entrySha256: zeros,
    timeMs: 1,
    author: signer.publicKey,
    snapshots: new Uint8Array(0),
    attempts: new Uint8Array(0),
    condemned: new Uint8Array(0),
    swept: new Uint8Array(0),
    sections: [],
  };
  const signed = (body: Uint8Array): Uint8Array =>
    withPayload(good, concatBytes(body, sign(concatBytes(Buffer.from("holdfast/v1/checkpoint\0"), body))));
  const bad = (name: string, about: string, change: Record<string, CborValue>): Vector =>
    refused("checkpoint", name, about, "corrupt", signed(encodeCbor({ ...fields, ...change })));
  const attempt = (id: number, seq: number): Uint8Array =>
    concatBytes(new Uint8Array(16).fill(id), Uint8Array.of(seq), new Uint8Array(7));
  return [
    success("checkpoint", "full", "Every kind of row.", {}, encodeHex(good)),
    success("checkpoint", "least", "No rows.", {}, encodeHex(least)),
    ...spoiledFrames(good)
      .filter((each) => each.name !== "trailing-byte")
      .map((each) => refused("checkpoint", each.name, each.about, each.expect, each.bytes)),
    ...spoiledMaps(fields).map((each) => refused("checkpoint", each.name, each.about, each.expect, signed(each.bytes))),
    refused(
      "checkpoint",
      "bad-signature",
      "A bit of the signature is flipped; the checksum is right.",
      "corrupt",
      withChecksum(withFlippedBit(good, -33)),
    ),
    bad("rows-out-of-order", "Rows do not ascend.", { attempts: concatBytes(attempt(2, 1), attempt(1, 1)) }),
    bad("half-a-row", "The rows are not whole.", { attempts: attempt(1, 1).slice(1) }),
    bad("entry-not-folded", "A row names an entry after the last.", { attempts: attempt(1, 2) }),
    bad("bad-section-name", "The name of a section is not allowed.", {
      sections: [{ name: "A", bytes: 0, sha256: zeros }],
    }),
  ];
}
