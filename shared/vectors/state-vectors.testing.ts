import { concatBytes } from "#shared/bytes/concat-bytes.ts";
import { encodeHex } from "#shared/bytes/hex.ts";
import { seal } from "#shared/crypto/seal.ts";
import { sha256 } from "#shared/crypto/sha256.ts";
import { encodeCbor, type CborValue } from "#shared/format/cbor.ts";
import { emptyEntry, type Entry, entryTypes } from "#shared/format/entry.ts";
import { LeafWriter } from "#shared/format/leaf-writer.ts";
import { type BlobId, idFromBytes, idToBytes } from "#shared/format/ids.ts";
import { encodePackTable } from "#shared/format/pack.ts";
import { encodeSnapshotHeader, type SnapshotHeader } from "#shared/format/snapshot.ts";
import { snapshotAad } from "#shared/format/snapshot-aad.ts";
import { encodeStateHead, type StateHead, stateIdOf } from "#shared/format/state.ts";
import { sealIndexRows } from "#shared/repository/index-section.ts";
import { sealedSession } from "./crypto-vectors.testing.ts";
import {
  chunkMac,
  keys,
  sessionId,
  sessionKey,
  sign,
  signer,
  storeId,
  storeIdBytes,
  vectorTimeMs,
} from "./fixed-store.testing.ts";
import { spoiledFrames, spoiledMaps, withChecksum, withFlippedBit, withPayload } from "./spoil.testing.ts";
import { refused, seededBytes, seededRandom, success, type Vector } from "./vector.testing.ts";

/** Snapshot headers, open and sealed, and states. */
export async function stateVectors(): Promise<Vector[]> {
  return [...headerVectors(), ...(await wholeStateVectors())];
}

const nodeId: BlobId = idFromBytes("blob", chunkMac.digest(Uint8Array.of(1)));
const header: SnapshotHeader = {
  timeMs: vectorTimeMs,
  durationMs: 1234,
  host: "alpha.example",
  user: "root",
  name: "default",
  tags: ["nightly", "größer"],
  program: "holdfast 0.1.0",
  sources: [
    {
      type: "filesystem",
      origin: "alpha.example",
      root: "/srv/caf\xe9",
      options: new Map([["one-file-system", "true"]]),
      tree: { nodeId, level: 1, entries: 1000, totalBytes: 5_000_000 },
      userNames: new Map([
        ["0", "root"],
        ["1000", "ann"],
      ]),
      groupNames: new Map([["0", "root"]]),
    },
  ],
  parent: idFromBytes("state", sha256(Buffer.from("parent"))),
  errorCount: 2,
  errorList: idFromBytes("blob", chunkMac.digest(Uint8Array.of(2))),
  lost: ["Extended attributes were left out, as asked."],
};
const least: SnapshotHeader = {
  ...header,
  sources: [],
  tags: [],
  lost: [],
  parent: undefined,
  errorCount: 0,
  errorList: undefined,
};
const commitId = idFromBytes("commit", seededBytes("holdfast vectors, commit", 16));
const snapshotNonce = seededBytes("holdfast vectors, snapshot nonce", 24);

function sealHeader(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  return concatBytes(
    snapshotNonce,
    seal({ key: sessionKey, nonce: snapshotNonce, aad: snapshotAad(storeIdBytes, idToBytes(commitId)) }, bytes),
  );
}

/** Headers of version 3, which tell of the directories that lead to a root. */
function parentsVectors(fields: Record<string, CborValue>, source: Record<string, CborValue>): Vector[] {
  const directory = (dir: string, name: string, mode: number): Entry => {
    const entry = emptyEntry(dir, name, entryTypes.directory);
    Object.assign(entry, { mode, uid: 1000, gid: 100, mtimeSec: 1_700_000_000, mtimeNsec: 5 });
    return entry;
  };
  const way = [directory("", "", 0o755), directory("", "srv", 0o711)];
  const leaf = (entries: readonly Entry[]): Uint8Array => {
    const writer = new LeafWriter();
    for (const entry of entries) writer.add(entry);
    return writer.finish();
  };
  const root = new Uint8Array(Buffer.from("/srv/www"));
  const encoded = (parents: CborValue, change: Record<string, CborValue> = {}): Uint8Array =>
    encodeCbor({ ...fields, version: 3, sources: [{ ...source, root, parents, ...change }] });
  const bad = (name: string, about: string, parents: CborValue, change: Record<string, CborValue> = {}): Vector =>
    refused("snapshot-header", name, about, "corrupt", encoded(parents, change));
  const file = emptyEntry("", "srv", entryTypes.symlink);
  file.target = "elsewhere";
  return [
    success("snapshot-header", "parents", "The directories that lead to a root.", {}, encodeHex(encoded(leaf(way)))),
    success("snapshot-header", "parents-null", "Nothing is known of them.", {}, encodeHex(encoded(null))),
    bad("parents-missing", "One of the directories that lead to the root is not told of.", leaf(way.slice(0, 1))),
    bad("parents-of-another-root", "They lead to another root.", leaf([way[0]!, directory("", "home", 0o755)])),
    bad("parents-beyond", "The root itself is among them.", leaf([...way, directory("srv", "www", 0o755)])),
    bad("parents-link", "One of them is no directory.", leaf([way[0]!, file])),
    bad("parents-of-slash", "Nothing leads to the root of a host.", leaf(way.slice(0, 1)), {
      root: new Uint8Array(Buffer.from("/")),
    }),
    bad("parents-not-a-leaf", "They are no leaf.", new Uint8Array([1, 1, 1])),
    refused("snapshot-header", "parents-in-version-1", "A version that has no such field.", "corrupt",
      encodeCbor({ ...fields, sources: [{ ...source, root, parents: leaf(way) }] })),
    refused("snapshot-header", "version-4", "Version 4.", "incompatible", encodeCbor({ ...fields, version: 4 })),
  ];
}

function headerVectors(): Vector[] {
  const tree = { nodeId: idToBytes(nodeId), level: 1, entries: 1000, totalBytes: 5_000_000 };
  const source = {
    type: "filesystem",
    origin: "a",
    root: new Uint8Array(Buffer.from("/srv")),
    options: {},
    tree,
    userNames: {},
    groupNames: {},
  };
  const fields: Record<string, CborValue> = {
    version: 1,
    timeMs: 1,
    durationMs: 1,
    host: "a",
    user: "b",
    name: "c",
    tags: [],
    program: "d",
    sources: [source],
    parent: null,
    errorCount: 0,
    errorList: null,
    lost: [],
  };
  const bad = (
    name: string,
    about: string,
    change: Record<string, CborValue>,
    expect: "corrupt" | "incompatible" = "corrupt",
  ): Vector => refused("snapshot-header", name, about, expect, encodeCbor({ ...fields, ...change }));
  const rooted = (name: string, about: string, root: string): Vector =>
    bad(name, about, { sources: [{ ...source, root: new Uint8Array(Buffer.from(root, "latin1")) }] });
  const context = { storeId, commitId, sessionKey: encodeHex(sessionKey) };
  const sealed = sealHeader(encodeSnapshotHeader(header));
  return [
    success("snapshot-header", "full", "Every field.", {}, encodeHex(encodeSnapshotHeader(header))),
    success("snapshot-header", "least", "No source, no parent, no errors.", {}, encodeHex(encodeSnapshotHeader(least))),
    ...spoiledMaps(fields).map((each) => refused("snapshot-header", each.name, each.about, each.expect, each.bytes)),
    bad("newer-version", "Version 2.", { version: 2 }, "incompatible"),
    ...parentsVectors(fields, source),
    rooted("root-relative", "The root is no absolute path.", "srv"),
    rooted("root-climbs", "The root climbs.", "/srv/../etc"),
    rooted("root-empty-part", "The root has an empty part.", "/srv//a"),
    rooted("root-ends-with-slash", "The root ends with a slash.", "/srv/"),
    rooted("root-zero-byte", "The root has a zero byte.", "/srv\0"),
    bad("tree-too-high", "The tree is higher than trees may be.", {
      sources: [{ ...source, tree: { ...tree, level: 33 } }],
    }),
    bad("unknown-source-field", "A source has a field more.", { sources: [{ ...source, zzzzzzzzzzzz: 1 }] }),
    bad("short-parent", "The parent has 31 bytes.", { parent: new Uint8Array(31) }),
    success("sealed-snapshot", "sealed", "The header as it stands in a state.", context, encodeHex(sealed)),
    refused(
      "sealed-snapshot",
      "bad-tag",
      "A bit of the tag is flipped.",
      "corrupt",
      withFlippedBit(sealed, -1),
      context,
    ),
    refused(
      "sealed-snapshot",
      "bad-nonce",
      "A bit of the nonce is flipped.",
      "corrupt",
      withFlippedBit(sealed, 0),
      context,
    ),
    refused("sealed-snapshot", "other-commit", "The header of another commit.", "corrupt", sealed, {
      ...context,
      commitId: "00".repeat(16),
    }),
    refused("sealed-snapshot", "other-store", "The header of another store.", "corrupt", sealed, {
      ...context,
      storeId: "00".repeat(16),
    }),
    refused(
      "sealed-snapshot",
      "newer-version",
      "Version 2, sealed.",
      "incompatible",
      sealHeader(encodeCbor({ ...fields, version: 2 })),
      context,
    ),
  ];
}

async function wholeStateVectors(): Promise<Vector[]> {
  const packs = [tablePack("one", "data", 3), tablePack("two", "meta", 1)];
  const packIds = packs.map((each) => each.packId);
  const rows = indexRows(4);
  const section = concatBytes(...sealIndexRows(() => rows, {
    indexKey: keys.indexKey,
    storeId: storeIdBytes,
    packIds,
    random: seededRandom("holdfast vectors, state index"),
  }));
  const head: StateHead = {
    storeId,
    commitId,
    author: signer.publicKey,
    createdMs: vectorTimeMs,
    baseSeq: 7,
    group: seededBytes("holdfast vectors, group", 16),
    packs,
    references: [
      { packId: packIds[0]!, segments: Uint8Array.of(0b101) },
      { packId: idFromBytes("pack", sha256(Buffer.from("an older pack"))), segments: Uint8Array.of(0xff, 0x01) },
    ],
    sessions: [{ sessionId, envelope: await sealedSession(sessionId, sessionKey) }],
    snapshotSession: sessionId,
    sealedSnapshot: sealHeader(encodeSnapshotHeader(least)),
    indexBytes: section.byteLength,
    indexSha256: sha256(section),
  };
  const good = encodeStateHead(head, sign);
  const empty = encodeStateHead(
    { ...head, packs: [], references: [], indexBytes: 0, indexSha256: sha256(new Uint8Array(0)) },
    sign,
  );
  const context = contextOf(good);
  const fields = headFields(head);
  const body = (change: Record<string, CborValue>): Uint8Array<ArrayBuffer> =>
    signed(good, encodeCbor({ ...fields, ...change }));
  const state = (
    name: string,
    about: string,
    headBytes: Uint8Array,
    expect: "corrupt" | "incompatible" = "corrupt",
  ): Vector => refused("state", name, about, expect, concatBytes(headBytes, section), contextOf(headBytes));
  const changed = (name: string, about: string, change: Record<string, CborValue>): Vector =>
    state(name, about, body(change));
  const [firstPack, secondPack] = fields["packs"] as unknown as [Record<string, CborValue>, Record<string, CborValue>];
  const badTable = new Uint8Array(packs[0]!.table);
  badTable[40] = (badTable[40] ?? 0) + 1;
  const otherKey = signed(good, encodeCbor({ ...fields, author: sha256(Buffer.from("another agent")) }));
  return [
    {
      ...success(
        "state",
        "full",
        "Two packs, a reference to a third, an index section.",
        context,
        encodeHex(concatBytes(good, section)),
      ),
      zstd: true,
    },
    success(
      "state",
      "nothing-new",
      "A snapshot that adds no pack: no index section.",
      contextOf(empty),
      encodeHex(empty),
    ),
    ...spoiledFrames(good)
      .filter((each) => each.name !== "trailing-byte" && each.name !== "empty")
      .map((each) => refused("state", each.name, each.about, each.expect, each.bytes, contextOf(each.bytes))),
    ...spoiledMaps(fields).map((each) =>
      state(
        each.name,
        each.about,
        signed(good, each.bytes),
        each.expect === "incompatible" ? "incompatible" : "corrupt",
      ),
    ),
    state(
      "bad-signature",
      "A bit of the signature is flipped; the checksum is right.",
      withChecksum(withFlippedBit(good, -33)),
    ),
    state("other-author", "Signed by another than it says.", otherKey),
    refused("state", "wrong-name", "It is another state than its name says.", "corrupt", concatBytes(good, section), {
      ...context,
      stateId: "00".repeat(32),
    }),
    refused("state", "wrong-store", "A state of another store.", "corrupt", concatBytes(good, section), {
      ...context,
      storeId: "00".repeat(16),
    }),
    refused(
      "state",
      "section-damaged",
      "A bit of the index section is flipped.",
      "corrupt",
      withFlippedBit(concatBytes(good, section), -1),
      context,
    ),
    refused(
      "state",
      "section-truncated",
      "The last byte of the index section is missing.",
      "corrupt",
      concatBytes(good, section).slice(0, -1),
      context,
    ),
    changed("section-of-other-packs", "The packs changed places, and the section was left as it was.", {
      packs: [secondPack, firstPack],
    }),
    changed("table-gap", "A segment of the first pack begins a byte late.", {
      packs: [{ ...firstPack, table: badTable }, secondPack],
    }),
    changed("table-of-half-a-row", "A table is not made of whole rows.", {
      packs: [{ ...firstPack, table: packs[0]!.table.slice(1) }, secondPack],
    }),
    changed("wrong-pack-size", "A pack is a byte longer than its table says.", {
      packs: [{ ...firstPack, sizeBytes: packs[0]!.sizeBytes + 1 }, secondPack],
    }),
    changed("unknown-pack-kind", "A pack is neither data nor meta.", {
      packs: [{ ...firstPack, kind: "more" }, secondPack],
    }),
    changed("short-envelope", "An envelope has 79 bytes.", {
      sessions: [{ id: sessionId, envelope: new Uint8Array(79) }],
    }),
    changed("negative-number", "A number is negative.", { baseSeq: -1 }),
  ];
}

/** What a reader of a state must know: its name and the length of its head, as the log gives them. */
function contextOf(head: Uint8Array): Vector["context"] {
  return { storeId, stateId: stateIdOf(head), headBytes: head.byteLength, indexKey: encodeHex(keys.indexKey) };
}

/** The frame around another signed body. */
function signed(frame: Uint8Array, body: Uint8Array): Uint8Array<ArrayBuffer> {
  return withPayload(frame, concatBytes(body, sign(concatBytes(Buffer.from("holdfast/v1/state\0"), body))));
}

function headFields(head: StateHead): Record<string, CborValue> {
  return {
    storeId: storeIdBytes,
    commitId: idToBytes(head.commitId),
    author: head.author,
    createdMs: head.createdMs,
    baseSeq: head.baseSeq,
    group: head.group,
    packs: head.packs.map(({ packId, kind, sizeBytes, table }) => ({ id: idToBytes(packId), kind, sizeBytes, table })),
    references: head.references.map(({ packId, segments }) => ({ pack: idToBytes(packId), segments })),
    sessions: head.sessions.map((each) => ({ id: each.sessionId, envelope: each.envelope })),
    snapshotSession: head.snapshotSession,
    sealedSnapshot: head.sealedSnapshot,
    indexBytes: head.indexBytes,
    indexSha256: head.indexSha256,
  };
}

/** A pack that is there in name and table only. */
function tablePack(name: string, kind: "data" | "meta", segmentCount: number) {
  const rows = Array.from({ length: segmentCount }, (_each, row) => ({
    segmentId: seededBytes(`holdfast vectors, segment ${name} ${row}`, 24),
    sessionId,
    segmentOffset: 48 + row * 1000,
    segmentBytes: 1000,
    directoryOffset: 48 + segmentCount * 1000 + row * 100,
    directoryBytes: 100,
  }));
  const table = encodePackTable(rows);
  const sizeBytes = 48 + segmentCount * 1100 + 96 + table.byteLength + 48;
  return { packId: idFromBytes("pack", sha256(Buffer.from(name))), kind, sizeBytes, table };
}

function indexRows(segmentCount: number): Uint8Array {
  const ids = Array.from({ length: 10 }, (_each, index) => chunkMac.digest(Uint8Array.of(index)).slice(0, 20));
  const rows = ids
    .toSorted((left, right) => Buffer.compare(left, right))
    .map((id, index) => {
      const row = new Uint8Array(32);
      row.set(id);
      const view = new DataView(row.buffer);
      view.setUint32(20, index % segmentCount, true);
      view.setUint32(24, index * 64, true);
      view.setUint32(28, 64, true);
      return row;
    });
  return concatBytes(...rows);
}
