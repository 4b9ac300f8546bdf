import { concatBytes } from "#shared/bytes/concat-bytes.ts";
import { encodeHex } from "#shared/bytes/hex.ts";
import { type Chunker, createChunker } from "#shared/chunking/chunker.ts";
import { createMac, type Mac } from "#shared/crypto/mac.ts";
import { seal } from "#shared/crypto/seal.ts";
import { sha256 } from "#shared/crypto/sha256.ts";
import type { StoreKeys } from "#shared/crypto/derive-keys.ts";
import { encodeChunkList } from "#shared/format/chunk-list.ts";
import type { StoreConfig } from "#shared/format/config.ts";
import { chunkRowBytes } from "#shared/format/entry.ts";
import { type CommitId, idToBytes, type PackId } from "#shared/format/ids.ts";
import type { PackKind } from "#shared/format/segment.ts";
import { encodeSnapshotHeader, type SnapshotHeader, type TreeRoot } from "#shared/format/snapshot.ts";
import { snapshotAad } from "#shared/format/snapshot-aad.ts";
import { encodeStateHead, type PackReference, stateIdOf } from "#shared/format/state.ts";
import { type AssembledPack, PackAssembler } from "#shared/repository/pack-assembler.ts";
import { sealIndexRows } from "#shared/repository/index-section.ts";
import { nodeKey } from "#shared/repository/node-key.ts";
import { SegmentBuilder } from "#shared/repository/segment-builder.ts";
import { sortIndexRows } from "#shared/repository/sort-index-rows.ts";
import { packKey, stateKey } from "#shared/store/object-key.ts";
import { TreeBuilder } from "#shared/tree/tree-builder.ts";
import type { Random } from "#shared/random.ts";
import { sealToSeeded } from "./hpke-seal.testing.ts";
import { sign, signer, vectorTimeMs } from "./fixed-store.testing.ts";
import type { TinyFile } from "./tiny-files.testing.ts";

/** Where a blob is: pack and row of its table. */
type Place = { readonly packId: PackId; readonly row: number };

/** What the sessions of a tiny store share: its objects, and which blobs are where. */
export type TinyStore = {
  readonly config: StoreConfig;
  readonly keys: StoreKeys;
  readonly random: Random;
  readonly objects: Map<string, Uint8Array>;
  readonly places: Map<string, Place>;
  /** Rows of the table of each pack. */
  readonly packRows: Map<PackId, number>;
};

/** Chunks of a list of the file that uses lists: far fewer than a program would put there. */
const chunksPerList = 8;

/** A backup session of FORMAT.md in the plainest form: one thread, everything in memory, every random byte from a seed. */
export class TinySession {
  readonly #store: TinyStore;
  readonly #storeId: Uint8Array;
  readonly #sessionId: Uint8Array;
  readonly #sessionKey: Uint8Array;
  readonly #macs: Readonly<Record<PackKind, Mac>>;
  readonly #builders: Readonly<Record<PackKind, SegmentBuilder>>;
  readonly #segments: Readonly<Record<PackKind, ReturnType<SegmentBuilder["seal"]>[]>> = { data: [], meta: [] };
  readonly #chunker: Chunker;
  /** New blobs: the segment's ordinal and where in it. */
  readonly #fresh = new Map<string, { ordinal: number; offset: number; length: number; id: Uint8Array }>();
  readonly #needed = new Set<string>();

  private constructor(store: TinyStore, macs: Readonly<Record<PackKind, Mac>>) {
    this.#store = store;
    const { config, keys, random } = store;
    this.#storeId = idToBytes(config.storeId);
    this.#sessionId = random(16);
    this.#sessionKey = random(32);
    this.#macs = macs;
    let ordinals = 0;
    const builder = (kind: PackKind): SegmentBuilder =>
      new SegmentBuilder(
        {
          storeId: this.#storeId,
          kind,
          sessionKey: this.#sessionKey,
          indexKey: keys.indexKey,
          level: config.compression.level,
          targetBytes: config.segmentBytes,
          blobMaxBytes: 1024 * 1024,
          verify: true,
        },
        random,
        () => ordinals++,
      );
    this.#builders = { data: builder("data"), meta: builder("meta") };
    this.#chunker = createChunker({ chunkKey: keys.chunkKey, ...config.chunker });
  }

  static async begin(store: TinyStore): Promise<TinySession> {
    const { idKey } = store.keys;
    return new TinySession(store, { data: await createMac(idKey), meta: await createMac(nodeKey(idKey)) });
  }

  /** Stores a blob unless it is known. @returns its id */
  writeBlob(kind: PackKind, bytes: Uint8Array): Uint8Array {
    const id = this.#macs[kind].digest(bytes);
    const name = encodeHex(id);
    this.#needed.add(name);
    if (this.#store.places.has(name) || this.#fresh.has(name)) return id;
    const builder = this.#builders[kind];
    this.#fresh.set(name, { ordinal: builder.ordinal, offset: builder.offsetBytes, length: bytes.byteLength, id });
    builder.append(id, 0, bytes);
    if (builder.full) this.#segments[kind].push(builder.seal());
    return id;
  }

  /** Stores files in order and the tree of them. */
  writeTree(files: readonly TinyFile[]): TreeRoot {
    const tree = new TreeBuilder((bytes) => this.writeBlob("meta", bytes));
    for (const { entry, content, inLists } of files) {
      const rows = this.#chunksOf(content);
      if (inLists === true) entry.lists = this.#listsOf(rows);
      else entry.chunks = rows;
      tree.add(entry);
    }
    return tree.finish();
  }

  /** Packs, then the state. @returns what the log entry says of it */
  async stage(header: SnapshotHeader, options: { readonly commitId: CommitId; readonly baseSeq: number }) {
    const { config, keys, random, objects } = this.#store;
    const { publicKey } = keys.hpke;
    const info = concatBytes(Buffer.from("holdfast/v1/session\0"), this.#storeId, this.#sessionId);
    const envelope = await sealToSeeded({ publicKey, info, plaintext: this.#sessionKey, ephemeralSeed: random(32) });
    const packs = this.#assemble(envelope);
    const packIds = packs.map((each) => each.packId);
    const rows = this.#settle(packs);
    const section = concatBytes(...sealIndexRows(() => rows, { indexKey: keys.indexKey, storeId: this.#storeId, packIds, random }));
    const nonce = random(24);
    const aad = snapshotAad(this.#storeId, idToBytes(options.commitId));
    const sealedSnapshot = concatBytes(
      nonce,
      seal({ key: this.#sessionKey, nonce, aad }, encodeSnapshotHeader(header)),
    );
    const head = encodeStateHead(
      {
        storeId: config.storeId,
        commitId: options.commitId,
        author: signer.publicKey,
        createdMs: vectorTimeMs,
        baseSeq: options.baseSeq,
        group: new Uint8Array(16),
        packs: packs.map(({ packId, kind, sizeBytes, table }) => ({ packId, kind, sizeBytes, table })),
        references: this.#references(),
        sessions: [{ sessionId: this.#sessionId, envelope }],
        snapshotSession: this.#sessionId,
        sealedSnapshot,
        indexBytes: section.byteLength,
        indexSha256: sha256(section),
      },
      sign,
    );
    const stateId = stateIdOf(head);
    objects.set(stateKey(stateId), concatBytes(head, section));
    return {
      stateId,
      commitId: options.commitId,
      headBytes: head.byteLength,
      stateBytes: head.byteLength + section.byteLength,
    };
  }

  #chunksOf(content: Uint8Array): Uint8Array<ArrayBuffer> {
    const rows: Uint8Array[] = [];
    let at = 0;
    for (const length of this.#chunker.cutPoints(content, true)) {
      rows.push(this.writeBlob("data", content.subarray(at, at + length)), u32(length));
      at += length;
    }
    return concatBytes(...rows);
  }

  #listsOf(rows: Uint8Array): Uint8Array<ArrayBuffer> {
    const lists: Uint8Array[] = [];
    for (let at = 0; at < rows.byteLength; at += chunksPerList * chunkRowBytes) {
      const part = rows.slice(at, at + chunksPerList * chunkRowBytes);
      const view = new DataView(part.buffer);
      let bytes = 0;
      for (let row = 32; row < part.byteLength; row += chunkRowBytes) bytes += view.getUint32(row, true);
      lists.push(this.writeBlob("meta", encodeChunkList(part)), u32(bytes), u32(0));
    }
    return concatBytes(...lists);
  }

  #assemble(envelope: Uint8Array): AssembledPack[] {
    const packs: AssembledPack[] = [];
    for (const kind of ["data", "meta"] as const) {
      const builder = this.#builders[kind];
      if (!builder.empty) this.#segments[kind].push(builder.seal());
      const segments = this.#segments[kind];
      if (segments.length === 0) continue;
      const assembler = new PackAssembler({
        kind,
        storeId: this.#storeId,
        sessionId: this.#sessionId,
        envelope,
        random: this.#store.random,
      });
      for (const segment of segments) assembler.add(segment);
      const pack = assembler.finish();
      packs.push(pack);
      this.#store.objects.set(packKey(pack.packId), concatBytes(...pack.parts));
      this.#store.packRows.set(pack.packId, pack.ordinals.length);
    }
    return packs;
  }

  /** Learns where the new blobs are. @returns their index rows, sorted */
  #settle(packs: readonly AssembledPack[]): Uint8Array {
    const numbers = new Map<number, { number: number; place: Place }>();
    for (const pack of packs) {
      for (const [row, ordinal] of pack.ordinals.entries())
        numbers.set(ordinal, { number: numbers.size, place: { packId: pack.packId, row } });
    }
    const rows: Uint8Array[] = [];
    for (const [name, { ordinal, offset, length, id }] of this.#fresh) {
      const segment = numbers.get(ordinal);
      if (segment === undefined) throw new TypeError("A segment is in no pack");
      this.#store.places.set(name, segment.place);
      rows.push(id.slice(0, 20), u32(segment.number), u32(offset), u32(length));
    }
    return sortIndexRows(concatBytes(...rows));
  }

  #references(): PackReference[] {
    const bitmaps = new Map<PackId, Uint8Array>();
    for (const name of this.#needed) {
      const place = this.#store.places.get(name);
      if (place === undefined) throw new TypeError("A blob is nowhere");
      const segments =
        bitmaps.get(place.packId) ?? new Uint8Array(Math.ceil((this.#store.packRows.get(place.packId) ?? 0) / 8));
      segments[place.row >>> 3] = (segments[place.row >>> 3] ?? 0) | (1 << (place.row & 7));
      bitmaps.set(place.packId, segments);
    }
    return [...bitmaps]
      .toSorted(([left], [right]) => (left < right ? -1 : 1))
      .map(([packId, segments]) => ({ packId, segments }));
  }
}

function u32(value: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setUint32(0, value, true);
  return bytes;
}
