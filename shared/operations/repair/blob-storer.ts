import { createMac, type Mac } from "#shared/crypto/mac.ts";
import { formatLimits } from "#shared/format/limits.ts";
import { indexRowBytes } from "#shared/format/index-section.ts";
import { type BlobId, idFromBytes } from "#shared/format/ids.ts";
import type { PackKind } from "#shared/format/segment.ts";
import type { SessionEnvelope } from "#shared/format/state.ts";
import { ByteWriter } from "#shared/bytes/byte-writer.ts";
import { nodeKey } from "#shared/repository/node-key.ts";
import { PackWriter, type WrittenPack } from "#shared/repository/pack-writer.ts";
import type { Repository } from "#shared/repository/repository.ts";
import { drawSession } from "#shared/repository/session-keys.ts";
import { SegmentBuilder } from "#shared/repository/segment-builder.ts";
import { sortIndexRows } from "#shared/repository/sort-index-rows.ts";

/** Packs stored at once. */
const uploads = 2;
/** Bytes of an index row that name the blob. */
const prefixBytes = 20;

/**
 * Stores blobs in a session of its own: what a repair saves from damaged packs, and its snapshot copies.
 *
 * Nothing is made, and no request sent, before the first blob. Memory: two segments, and `uploads` packs on their way.
 */
export class BlobStorer {
  readonly #repository: Repository;
  readonly #nodeMac: Mac;
  readonly #writer: PackWriter;
  readonly #builders = new Map<PackKind, SegmentBuilder>();
  readonly #rows = new ByteWriter();
  readonly #session: SessionEnvelope;
  readonly #firstOrdinal: number;
  readonly sessionKey: Uint8Array;
  #nextOrdinal: number;

  private constructor(repository: Repository, nodeMac: Mac, session: SessionEnvelope, sessionKey: Uint8Array) {
    this.#repository = repository;
    this.#nodeMac = nodeMac;
    this.#session = session;
    this.sessionKey = sessionKey;
    this.#firstOrdinal = repository.segments.count;
    this.#nextOrdinal = this.#firstOrdinal;
    this.#writer = new PackWriter({
      store: repository.store,
      storeId: repository.storeIdBytes,
      sessionId: session.sessionId,
      envelope: session.envelope,
      random: repository.random,
      packBytes: repository.config.packBytes,
      uploads,
      onStoring: () => undefined,
    });
  }

  /** Draws the key of the session. */
  static async begin(repository: Repository): Promise<BlobStorer> {
    const { sessionId, envelope, sessionKey } = await drawSession(repository);
    const nodeMac = await createMac(nodeKey(repository.requireKey("idKey")));
    return new BlobStorer(repository, nodeMac, { sessionId, envelope }, sessionKey);
  }

  /** The session, as states tell of it. */
  get session(): SessionEnvelope {
    return this.#session;
  }

  /** Packs that are stored. */
  get packs(): readonly WrittenPack[] {
    return this.#writer.packs;
  }

  /** Bytes of them. */
  get storedBytes(): number {
    return this.#writer.storedBytes;
  }

  /** Stores a blob of which the id is known. @returns the ordinal of its segment */
  async add(kind: PackKind, id: Uint8Array, blob: Uint8Array): Promise<number> {
    const builder = this.#builder(kind);
    const { ordinal } = builder;
    this.#rows.raw(id.subarray(0, prefixBytes));
    this.#rows.u32(ordinal);
    this.#rows.u32(builder.offsetBytes);
    this.#rows.u32(blob.byteLength);
    builder.append(id, 0, blob);
    if (builder.full) this.#writer.add(kind, builder.seal());
    while (this.#writer.busy) await this.#writer.room();
    return ordinal;
  }

  /** Stores a blob beside the trees. @returns its id and the ordinal of its segment */
  async addNode(blob: Uint8Array): Promise<{ readonly id: BlobId; readonly segment: number }> {
    const id = this.#nodeMac.digest(blob);
    return { id: idFromBytes("blob", id), segment: await this.add("meta", id, blob) };
  }

  /** Stores what is open. Nothing may be added afterwards. */
  async finish(): Promise<void> {
    for (const [kind, builder] of this.#builders) if (!builder.empty) this.#writer.add(kind, builder.seal());
    await this.#writer.finish();
  }

  /** Waits until nothing is on its way any more, whatever came of it. */
  settle(): Promise<void> {
    return this.#writer.settle();
  }

  /** Sorted index rows of all blobs, segments numbered in the order of `packs`, from `first` on. */
  indexRows(first: number): Uint8Array {
    const numbers = new Map<number, number>();
    let next = first;
    for (const pack of this.packs) for (const ordinal of pack.ordinals) numbers.set(ordinal, next++);
    const rows = sortIndexRows(this.#rows.toBytes());
    const view = new DataView(rows.buffer, rows.byteOffset, rows.byteLength);
    for (let at = prefixBytes; at < rows.byteLength; at += indexRowBytes)
      view.setUint32(at, numbers.get(view.getUint32(at, true)) ?? 0, true);
    return rows;
  }

  #builder(kind: PackKind): SegmentBuilder {
    const known = this.#builders.get(kind);
    if (known !== undefined) return known;
    const repository = this.#repository;
    const { chunker, segmentBytes, compression } = repository.config;
    const builder = new SegmentBuilder(
      {
        storeId: repository.storeIdBytes,
        kind,
        sessionKey: this.sessionKey,
        indexKey: repository.requireKey("indexKey"),
        level: compression.level,
        targetBytes: segmentBytes,
        blobMaxBytes: kind === "data" ? Math.max(chunker.maxBytes, segmentBytes) : formatLimits.treeNodeBytes,
        verify: true,
      },
      repository.random,
      () => this.#nextOrdinal++,
    );
    this.#builders.set(kind, builder);
    return builder;
  }
}
