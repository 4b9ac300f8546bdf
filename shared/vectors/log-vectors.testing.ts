import { concatBytes } from "#shared/bytes/concat-bytes.ts";
import { encodeHex } from "#shared/bytes/hex.ts";
import { sha256 } from "#shared/crypto/sha256.ts";
import { encodeCbor, type CborValue } from "#shared/format/cbor.ts";
import { type CheckpointHead, encodeCheckpointHead } from "#shared/format/checkpoint.ts";
import { idToBytes } from "#shared/format/ids.ts";
import { encodeLogEntry, type LogEvent } from "#shared/format/log-entry.ts";
import { sign, signer, storeId, storeIdBytes, vectorTimeMs } from "./fixed-store.testing.ts";
import { foldVectors } from "./fold-vectors.testing.ts";
import { commit, entryOf, pack, placed, publish, relocation, state, zeros } from "./log-events.testing.ts";
import { spoiledFrames, spoiledMaps, withChecksum, withFlippedBit, withPayload } from "./spoil.testing.ts";
import { refused, success, type Vector } from "./vector.testing.ts";

/** Log entries, logs folded from the first entry on, and the heads of checkpoints. */
export function logVectors(): Vector[] {
  return [...entryVectors(), ...foldVectors(), ...checkpointVectors()];
}

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
  const moved = (
    change: Record<string, CborValue>,
    to: Record<string, CborValue> = {},
  ): Record<string, CborValue> => {
    const { packId, kind, sizeBytes, table } = placed("m", 1, 1);
    return {
      type: "relocate",
      from: [{ pack: idToBytes(pack("a")), segments: Uint8Array.of(1) }],
      to: [{ id: idToBytes(packId), kind, sizeBytes, table, ...to }],
      ...change,
    };
  };
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
    success(
      "log-entry",
      "collect",
      "Condemns two packs, takes one back, sweeps the other with a state.",
      {},
      encodeHex(
        encodeLogEntry(
          entryOf(7, zeros, [
            { type: "condemn", packs: [pack("x"), pack("y")] },
            { type: "revive", packs: [pack("x")] },
            { type: "sweep", packs: [pack("y")], states: [state("a")] },
          ]),
          sign,
        ),
      ),
    ),
    success(
      "log-entry",
      "relocate",
      "Moves three segments of two packs to two others.",
      {},
      encodeHex(encodeLogEntry(entryOf(8, zeros, [relocation]), sign)),
    ),
    success(
      "log-entry",
      "checkpoint-and-settings",
      "Vouches for a checkpoint and sets the grace period.",
      {},
      encodeHex(
        encodeLogEntry(
          entryOf(9, zeros, [
            { type: "checkpoint", seq: 8, sha256: sha256(Buffer.from("checkpoint 8")) },
            { type: "settings", graceMs: 86_400_000 },
          ]),
          sign,
        ),
      ),
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
      { events: [{ type: "transmute", packs: [] }] },
      "incompatible",
    ),
    bad("sweep-without-states", "A field of an event is missing.", { events: [{ type: "sweep", packs: [] }] }),
    bad("condemn-short-pack-id", "A pack id has 31 bytes.", {
      events: [{ type: "condemn", packs: [new Uint8Array(31)] }],
    }),
    bad("relocate-zero-byte", "A bitmap of rows ends in a byte that marks none.", {
      events: [moved({ from: [{ pack: idToBytes(pack("a")), segments: Uint8Array.of(1, 0) }] })],
    }),
    bad("relocate-no-row", "A bitmap of rows is empty.", {
      events: [moved({ from: [{ pack: idToBytes(pack("a")), segments: new Uint8Array(0) }] })],
    }),
    bad("relocate-wrong-size", "The rows of a table do not add up to the size of the pack.", {
      events: [moved({}, { sizeBytes: 1 })],
    }),
    bad("relocate-empty-pack", "A new pack has no segment.", {
      events: [moved({}, { table: new Uint8Array(0), sizeBytes: 96 })],
    }),
    bad("checkpoint-zero", "A checkpoint folds no entry.", {
      events: [{ type: "checkpoint", seq: 0, sha256: zeros }],
    }),
    bad("settings-fraction", "A grace period is a fraction.", { events: [{ type: "settings", graceMs: 0.5 }] }),
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
    })).sort((left, right) => (left.stateId < right.stateId ? -1 : 1)),
    attempts: [
      { commitId: commit("entry 599"), seq: 599 },
      { commitId: commit("entry 600"), seq: 600 },
    ].sort((left, right) => (left.commitId < right.commitId ? -1 : 1)),
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
