import { concatBytes } from "#shared/bytes/concat-bytes.ts";
import { encodeHex } from "#shared/bytes/hex.ts";
import { sha256 } from "#shared/crypto/sha256.ts";
import { encodeCbor, type CborValue } from "#shared/format/cbor.ts";
import { encodeHeadersSection } from "#shared/format/checkpoint-headers.ts";
import {
  type CheckpointPart,
  checkpointPartPieces,
  encodePartPack,
  encodePartState,
} from "#shared/format/checkpoint-part.ts";
import { encodePartsSection } from "#shared/format/checkpoint-parts.ts";
import { idToBytes } from "#shared/format/ids.ts";
import { sessionId, storeId, storeIdBytes } from "./fixed-store.testing.ts";
import { placed, state, zeros } from "./log-events.testing.ts";
import { spoiledFrames, spoiledMaps, withPayload } from "./spoil.testing.ts";
import { refused, success, type Vector } from "./vector.testing.ts";

const envelope = new Uint8Array(80).fill(7);

/** Heads of parts of checkpoints, and the sections that name parts and hold sealed headers. */
export function checkpointPartVectors(): Vector[] {
  return [...partVectors(), ...headersVectors(), ...partsVectors()];
}

function partHead({ states, placed: packs }: Omit<CheckpointPart, "storeId">): Uint8Array {
  return concatBytes(...checkpointPartPieces(storeId, states.map(encodePartState), packs.map(encodePartPack)));
}

function partVectors(): Vector[] {
  const states = ["a", "b"].map((name, index) => ({
    stateId: state(name),
    packs: index === 0 ? [] : [placed("m", 1, 2)],
    sessions: [{ sessionId, envelope }],
    indexBytes: index * 100,
    indexSha256: sha256(Buffer.from(`index of ${name}`)),
  }));
  const good = partHead({ states, placed: [] });
  const both = partHead({ states: states.slice(0, 1), placed: [placed("n", 3, 1)] });
  const { packId, kind, sizeBytes, table } = placed("n", 3, 1);
  const pack = { id: idToBytes(packId), kind, sizeBytes, table };
  const row = { state: idToBytes(state("a")), packs: [], sessions: [], indexBytes: 0, indexSha256: zeros };
  const bad = (name: string, about: string, rows: readonly CborValue[], more = {}): Vector =>
    refused(
      "checkpoint-part",
      name,
      about,
      "corrupt",
      withPayload(good, encodeCbor({ storeId: storeIdBytes, states: rows, ...more })),
    );
  return [
    success("checkpoint-part", "two-states", "A state that added nothing, and one with a pack.", {}, encodeHex(good)),
    ...spoiledFrames(good, 3).map((each) =>
      refused("checkpoint-part", each.name, each.about, each.expect, each.bytes),
    ),
    ...spoiledMaps({ storeId: storeIdBytes, states: [row] }).map((each) =>
      refused("checkpoint-part", each.name, each.about, each.expect, withPayload(good, each.bytes)),
    ),
    success("checkpoint-part", "placed-pack", "Version 2: a state, and a pack that a relocation placed.", {}, encodeHex(both)),
    refused(
      "checkpoint-part",
      "placed-twice",
      "Two rows of one placed pack.",
      "corrupt",
      withPayload(both, encodeCbor({ storeId: storeIdBytes, states: [], placed: [pack, pack] })),
    ),
    bad("placed-in-version-1", "Placed packs are no field of version 1.", [row], { placed: [pack] }),
    bad("state-twice", "Two rows of one state.", [row, row]),
    bad("row-with-more", "A row has a field more.", [{ ...row, more: 1 }]),
    bad("short-envelope", "The envelope of a session is too short.", [
      { ...row, sessions: [{ id: sessionId, envelope: envelope.slice(1) }] },
    ]),
  ];
}

function headersVectors(): Vector[] {
  const headers = ["a", "b"].map((name) => ({
    stateId: state(name),
    session: { sessionId, envelope },
    sealedSnapshot: sha256(Buffer.from(`sealed header of ${name}`)),
  }));
  const rows = headers
    .toSorted((left, right) => (left.stateId < right.stateId ? -1 : 1))
    .map((each) => ({ state: idToBytes(each.stateId), session: sessionId, envelope, sealed: each.sealedSnapshot }));
  const bad = (name: string, about: string, change: Record<string, CborValue>, expect: "corrupt" | "incompatible") =>
    refused("checkpoint-headers", name, about, expect, encodeCbor({ version: 1, headers: rows, ...change }));
  return [
    success(
      "checkpoint-headers",
      "two-headers",
      "The sealed headers of two snapshots.",
      {},
      encodeHex(encodeHeadersSection(headers)),
    ),
    ...spoiledMaps({ version: 1, headers: rows }).map((each) =>
      refused("checkpoint-headers", each.name, each.about, each.expect, each.bytes),
    ),
    bad("newer-version", "The version is 2.", { version: 2 }, "incompatible"),
    bad("version-zero", "The version is 0.", { version: 0 }, "corrupt"),
    bad("rows-out-of-order", "Rows do not ascend.", { headers: rows.toReversed() }, "corrupt"),
    bad("row-twice", "Two rows of one snapshot.", { headers: rows.slice(0, 1).concat(rows.slice(0, 1)) }, "corrupt"),
  ];
}

function partsVectors(): Vector[] {
  const part = { sha256: sha256(Buffer.from("part")), headBytes: 500, bytes: 700, states: 3 };
  const bad = (name: string, about: string, change: Record<string, CborValue>, expect: "corrupt" | "incompatible") =>
    refused("checkpoint-parts", name, about, expect, encodeCbor({ version: 1, parts: [part], ...change }));
  return [
    success("checkpoint-parts", "one-part", "One part.", {}, encodeHex(encodePartsSection([{ ...part, placed: 0 }]))),
    success(
      "checkpoint-parts",
      "placed-packs",
      "Version 2: two parts, one of which holds placed packs only.",
      {},
      encodeHex(
        encodePartsSection([
          { ...part, placed: 0 },
          { ...part, states: 0, placed: 2 },
        ]),
      ),
    ),
    ...spoiledMaps({ version: 1, parts: [part] }).map((each) =>
      refused("checkpoint-parts", each.name, each.about, each.expect, each.bytes),
    ),
    bad("newer-version", "The version is 3.", { version: 3 }, "incompatible"),
    bad("head-too-long", "The head is longer than the part.", { parts: [{ ...part, headBytes: 701 }] }, "corrupt"),
    bad("part-too-long", "A part is longer than parts may be.", { parts: [{ ...part, bytes: 2 ** 28 + 1 }] }, "corrupt"),
    bad("no-states", "A part holds no state.", { parts: [{ ...part, states: 0 }] }, "corrupt"),
    bad(
      "nothing-in-it",
      "A part of version 2 holds nothing.",
      { version: 2, parts: [{ ...part, states: 0, placed: 0 }] },
      "corrupt",
    ),
  ];
}
