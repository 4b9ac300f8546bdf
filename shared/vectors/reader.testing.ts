import { concatBytes } from "#shared/bytes/concat-bytes.ts";
import { decodeHex, encodeHex } from "#shared/bytes/hex.ts";
import { chunkerId, createChunker } from "#shared/chunking/chunker.ts";
import { bundleKeys, decodeBundle } from "#shared/crypto/bundle.ts";
import { deriveKey } from "#shared/crypto/derive-key.ts";
import { deriveKeys } from "#shared/crypto/derive-keys.ts";
import { createMac } from "#shared/crypto/mac.ts";
import { derivePassphraseKey } from "#shared/crypto/passphrase.ts";
import { decodeRecoveryKey } from "#shared/crypto/recovery-key.ts";
import { open } from "#shared/crypto/seal.ts";
import { sha256 } from "#shared/crypto/sha256.ts";
import { verifySignature } from "#shared/crypto/signing.ts";
import { HoldfastError } from "#shared/errors.ts";
import { checkpointHeadLength, decodeCheckpointHead } from "#shared/format/checkpoint.ts";
import { decodeHeadersSection } from "#shared/format/checkpoint-headers.ts";
import { decodeCheckpointPart } from "#shared/format/checkpoint-part.ts";
import { decodePartsSection } from "#shared/format/checkpoint-parts.ts";
import { decodeChunkList } from "#shared/format/chunk-list.ts";
import { decodeConfig } from "#shared/format/config.ts";
import { comparePaths } from "#shared/format/entry.ts";
import { decodeErrorList } from "#shared/format/error-list.ts";
import { idFromBytes, parseId, type StateId } from "#shared/format/ids.ts";
import { decodeLogEntry } from "#shared/format/log-entry.ts";
import { padmeLength } from "#shared/format/padme.ts";
import { decodeSnapshotHeader, type SnapshotSource } from "#shared/format/snapshot.ts";
import { snapshotAad } from "#shared/format/snapshot-aad.ts";
import { decodeTreeNode } from "#shared/format/tree-node.ts";
import { foldEntry } from "#shared/log/fold-entry.ts";
import { emptyLogState } from "#shared/log/log-state.ts";
import { resolveRow, rowsOf as rowsMarked } from "#shared/log/resolve-row.ts";
import { openIndexSection } from "#shared/repository/index-section.ts";
import { openKeySlot } from "#shared/repository/key-slots.ts";
import { nodeKey } from "#shared/repository/node-key.ts";
import { openDirectory } from "#shared/repository/open-directory.ts";
import { publicSecret } from "#shared/repository/public-secret.ts";
import { openStateSection, readStateHead, readStateSection } from "#shared/repository/read-state.ts";
import { SegmentOpener } from "#shared/repository/segment-opener.ts";
import { SessionKeys } from "#shared/repository/session-keys.ts";
import { memoryStore } from "#shared/store/memory-store.ts";
import { keySlotKey, stateKey } from "#shared/store/object-key.ts";
import { isBorder } from "#shared/tree/is-border.ts";
import { readWholePack } from "./whole-pack.testing.ts";
import { type Json, seededBytes, toJson, type Vector } from "./vector.testing.ts";

/** The fields of a vector's context, each checked for its type. */
export class Context {
  readonly #fields: Readonly<Record<string, Json>>;

  constructor(fields: Readonly<Record<string, Json>>) {
    this.#fields = fields;
  }

  has(name: string): boolean {
    return this.#fields[name] !== undefined;
  }

  text(name: string): string {
    const value = this.#fields[name];
    if (typeof value !== "string") throw new TypeError(`The vector's context has no text "${name}"`);
    return value;
  }

  bytes(name: string): Uint8Array<ArrayBuffer> {
    return decodeHex(this.text(name));
  }

  number(name: string): number {
    const value = this.#fields[name];
    if (typeof value !== "number") throw new TypeError(`The vector's context has no number "${name}"`);
    return value;
  }

  texts(name: string): string[] {
    const value = this.#fields[name];
    if (!Array.isArray(value)) throw new TypeError(`The vector's context has no list "${name}"`);
    return value.map(String);
  }
}

/** Decodes the bytes of one structure. */
export type VectorReader = (input: Uint8Array, context: Context) => unknown;

/** How each structure that is bytes is read: what the program itself does with them. */
export const byteReaders: Readonly<Record<string, VectorReader>> = {
  config: (bytes) => decodeConfig(bytes),
  bundle: (bytes) => decodeBundle(bytes),
  "key-slot": readKeySlot,
  segment: (bytes, context) => ({
    plaintext: new SegmentOpener().open(bytes, { ...segmentPlace(context), sessionKey: context.bytes("sessionKey") }),
  }),
  directory: (bytes, context) => ({
    rows: rowsOf(
      openDirectory(bytes, { ...segmentPlace(context), indexKey: context.bytes("indexKey") }),
      36,
      (row) => ({
        blobId: row.subarray(0, 32),
        length: u32(row, 32),
      }),
    ),
  }),
  "index-section": (bytes, context) => ({
    rows: rowsOf(
      openIndexSection(bytes, {
        indexKey: context.bytes("indexKey"),
        storeId: context.bytes("storeId"),
        packIds: context.texts("packIds").map((each) => parseId("pack", each)),
        segmentCount: context.number("segmentCount"),
        subject: "an index section",
      }),
      32,
      (row) => ({ prefix: row.subarray(0, 20), segment: u32(row, 20), offset: u32(row, 24), length: u32(row, 28) }),
    ),
  }),
  pack: (bytes, context) => readWholePack(bytes, context.bytes("masterSecret")),
  "tree-node": (bytes) => readableNode(bytes),
  "chunk-list": (bytes) => ({
    rows: rowsOf(decodeChunkList(bytes, "a chunk list"), 36, (row) => ({
      blobId: row.subarray(0, 32),
      length: u32(row, 32),
    })),
  }),
  "error-list": (bytes) =>
    decodeErrorList(bytes, "an error list").map((each) => ({ ...each, path: Buffer.from(each.path, "latin1") })),
  "snapshot-header": (bytes) => readableHeader(bytes),
  "sealed-snapshot": (bytes, context) => {
    const aad = snapshotAad(context.bytes("storeId"), context.bytes("commitId"));
    return readableHeader(
      open({ key: context.bytes("sessionKey"), nonce: bytes.subarray(0, 24), aad }, bytes.subarray(24)),
    );
  },
  state: readState,
  "log-entry": (bytes) => decodeLogEntry(bytes, "a log entry", verifySignature),
  checkpoint: (bytes) => {
    const head = decodeCheckpointHead(
      bytes.subarray(0, checkpointHeadLength(bytes, "a checkpoint")),
      "a checkpoint",
      verifySignature,
    );
    const { snapshots, attempts, condemned, swept } = head;
    return {
      ...head,
      snapshots: [...snapshots],
      attempts: [...attempts],
      condemned: [...condemned],
      swept: [...swept],
    };
  },
  "checkpoint-part": (bytes) => {
    const { placed, ...part } = decodeCheckpointPart(bytes, "a part");
    return { ...part, ...(placed.length === 0 ? {} : { placed }) };
  },
  "checkpoint-headers": (bytes) => ({ headers: [...decodeHeadersSection(bytes, "headers").values()] }),
  "checkpoint-parts": (bytes) => ({
    parts: decodePartsSection(bytes, "parts").map(({ placed, ...part }) => ({
      ...part,
      ...(placed === 0 ? {} : { placed }),
    })),
  }),
  "session-envelope": async (bytes, context) => {
    const keys = await deriveKeys(context.bytes("masterSecret"));
    const sessionId = context.bytes("sessionId");
    const sessions = new SessionKeys(context.bytes("storeId"), keys.hpke);
    sessions.addEnvelope({ sessionId, envelope: bytes });
    return { sessionKey: await sessions.key(sessionId) };
  },
  "blob-id": async (bytes, context) => {
    const idKey = context.bytes("idKey");
    return {
      chunkId: (await createMac(idKey)).digest(bytes),
      nodeId: (await createMac(nodeKey(idKey))).digest(bytes),
    };
  },
};

/** Decodes the input of any vector. @throws {HoldfastError} what the program says to it */
export async function readVector(vector: Vector): Promise<Json> {
  const context = new Context(vector.context);
  const reader = byteReaders[vector.structure];
  if (reader !== undefined) return toJson(await reader(decodeHex(String(vector.input)), context));
  switch (vector.structure) {
    case "recovery-key":
      return toJson({ secret: decodeRecoveryKey(String(vector.input)) });
    case "log":
      return readLogObjects(vector.input, context);
    case "keys":
      return toJson(await derivedKeys(context));
    case "passphrase":
      return toJson({ key: await passphraseKey(context) });
    case "cut-points":
      return toJson(cutPoints(context));
    case "padme":
      return toJson(context.texts("lengths").map((each) => padmeLength(Number(each))));
    case "tree-order":
      return toJson(context.texts("paths").toSorted((left, right) => comparePaths(latin1(left), latin1(right))));
    case "tree-borders":
      return toJson(bordersOf(context));
    default:
      throw new TypeError(`There is no reader of ${vector.structure}`);
  }
}

async function readKeySlot(bytes: Uint8Array, context: Context): Promise<unknown> {
  const store = memoryStore();
  await store.put(keySlotKey(context.text("slotId")), [bytes]);
  const config = context.bytes("config");
  const place = { store, storeId: decodeConfig(config).storeId, configSha256: sha256(config) };
  const secret = context.has("passphrase")
    ? ({ kind: "passphrase", passphrase: context.text("passphrase") } as const)
    : ({ kind: "random", secret: context.bytes("secret") } as const);
  const { bundle, slot } = await openKeySlot(place, secret);
  return { bundle, slot };
}

async function readState(bytes: Uint8Array, context: Context): Promise<unknown> {
  const store = memoryStore();
  const stateId: StateId = parseId("state", context.text("stateId"));
  await store.put(stateKey(stateId), [bytes]);
  const published = { stateId, headBytes: context.number("headBytes"), stateBytes: bytes.byteLength };
  const storeId = parseId("store", context.text("storeId"));
  const head = await readStateHead(store, storeId, published);
  const indexKey = context.bytes("indexKey");
  const section = await readStateSection(store, published, head);
  const { packs } = head;
  const index = openStateSection(section, stateId, { packs, indexKey, storeIdBytes: context.bytes("storeId") });
  return { head, index };
}

function readLogObjects(input: Json, context: Context): Json {
  if (!Array.isArray(input)) throw new TypeError("A log is a list of entries");
  let state = emptyLogState(parseId("store", context.text("storeId")));
  for (const each of input) {
    const bytes = decodeHex(String(each));
    state = foldEntry(state, { entry: decodeLogEntry(bytes, "a log entry", verifySignature), sha256: sha256(bytes) });
  }
  return toJson({
    seq: state.seq,
    lastSha256: state.lastSha256,
    snapshots: [...state.snapshots.values()],
    condemned: [...state.condemned.keys()],
    swept: [...state.swept.keys()],
    ...(state.sweptStates.size === 0 ? {} : { sweptStates: [...state.sweptStates.keys()] }),
    ...(state.relocated.size === 0
      ? {}
      : {
          relocated: Array.from(state.relocated, ([packId, { segments }]) => ({
            packId,
            rows: Array.from(rowsMarked(segments), (row) => ({ row, at: resolveRow(state, packId, row) })),
          })),
          placed: [...state.placed.keys()],
        }),
    ...(state.checkpoint === undefined ? {} : { checkpoint: state.checkpoint }),
    ...(state.graceMs === undefined ? {} : { graceMs: state.graceMs }),
  });
}

async function derivedKeys(context: Context): Promise<unknown> {
  const masterSecret = context.has("storeId")
    ? publicSecret(parseId("store", context.text("storeId")))
    : context.bytes("masterSecret");
  const { idKey, chunkKey, indexKey, stateKey: unused, hpke } = await bundleKeys({ role: "owner", masterSecret });
  return { masterSecret, idKey, nodeKey: idKey && nodeKey(idKey), chunkKey, indexKey, stateKey: unused, hpke };
}

async function passphraseKey(context: Context): Promise<Uint8Array> {
  const salt = context.bytes("salt");
  if (context.has("secret")) return deriveKey(concatBytes(context.bytes("secret"), salt), "holdfast/v1/slot");
  const { memoryKiB, passes, parallelism } = {
    memoryKiB: context.number("memoryKiB"),
    passes: context.number("passes"),
    parallelism: context.number("parallelism"),
  };
  return derivePassphraseKey(context.text("passphrase"), { salt, memoryKiB, passes, parallelism });
}

/** The chunks of an input that is described by its seed and too long to be in the file. */
function cutPoints(context: Context): unknown {
  const data = seededBytes(context.text("seed"), context.number("inputBytes"));
  const sizes = {
    minBytes: context.number("minBytes"),
    avgBytes: context.number("avgBytes"),
    maxBytes: context.number("maxBytes"),
  };
  const chunker = createChunker({ chunkKey: context.bytes("chunkKey"), ...sizes });
  return { chunker: chunkerId, inputSha256: sha256(data), lengths: chunker.cutPoints(data, true) };
}

function bordersOf(context: Context): unknown {
  const levels = Array.from({ length: context.number("levels") }, (_each, level) => level);
  const names = Array.from({ length: context.number("names") }, (_each, index) => `${context.text("prefix")}${index}`);
  return levels.map((level) =>
    names.flatMap((name, index) => (isBorder(context.text("dir"), name, level) ? [index] : [])),
  );
}

function segmentPlace(context: Context) {
  const kind = context.text("kind");
  if (kind !== "data" && kind !== "meta") throw new TypeError("The vector's kind is neither data nor meta");
  return { storeId: context.bytes("storeId"), kind, segmentId: context.bytes("segmentId") } as const;
}

/** A header whose roots are bytes again. */
function readableHeader(bytes: Uint8Array): unknown {
  const header = decodeSnapshotHeader(bytes, "a snapshot header");
  return { ...header, sources: header.sources.map(readableSource) };
}

function readableSource({ parents, ...source }: SnapshotSource): unknown {
  const told = parents === undefined ? {} : { parents: parents.map((entry) => readableEntry(entry)) };
  return { ...source, root: latin1Bytes(source.root), ...told };
}

/** A node whose texts are bytes again. */
export function readableNode(bytes: Uint8Array): unknown {
  const node = decodeTreeNode(bytes, "a tree node");
  if ("children" in node) {
    return {
      level: node.level,
      children: node.children.map((each) => ({
        ...each,
        lastDir: latin1Bytes(each.lastDir),
        lastName: latin1Bytes(each.lastName),
      })),
    };
  }
  return { level: 0, entries: node.entries.map((entry) => readableEntry(entry)) };
}

function readableEntry(entry: import("#shared/format/entry.ts").Entry): unknown {
  return {
    ...entry,
    dir: latin1Bytes(entry.dir),
    name: latin1Bytes(entry.name),
    target: entry.target === undefined ? undefined : latin1Bytes(entry.target),
    error: entry.error === undefined ? undefined : latin1Bytes(entry.error),
    xattrs: entry.xattrs?.map(([name, value]) => [latin1Bytes(name), value]),
    chunks: rowsOf(entry.chunks, 36, (row) => ({ blobId: row.subarray(0, 32), length: u32(row, 32) })),
    lists:
      entry.lists === undefined
        ? undefined
        : rowsOf(entry.lists, 40, (row) => ({
            blobId: row.subarray(0, 32),
            bytes: u32(row, 32) + u32(row, 36) * 2 ** 32,
          })),
  };
}

function rowsOf<Row>(bytes: Uint8Array, rowBytes: number, read: (row: Uint8Array) => Row): Row[] {
  if (bytes.byteLength % rowBytes !== 0) throw new HoldfastError("internal", "Cannot take rows apart");
  return Array.from({ length: bytes.byteLength / rowBytes }, (_each, row) =>
    read(bytes.slice(row * rowBytes, (row + 1) * rowBytes)),
  );
}

function u32(bytes: Uint8Array, at: number): number {
  return new DataView(bytes.buffer, bytes.byteOffset).getUint32(at, true);
}

function latin1(hex: string): string {
  return Buffer.from(hex, "hex").toString("latin1");
}

function latin1Bytes(text: string): string {
  return encodeHex(Buffer.from(text, "latin1"));
}

/** The id of a pack as its bytes give it. */
export function packIdOf(bytes: Uint8Array): string {
  return idFromBytes("pack", sha256(bytes));
}
