import type { Mac } from "#shared/crypto/mac.ts";
import { sha256 } from "#shared/crypto/sha256.ts";
import { seal } from "#shared/crypto/seal.ts";
import { concatBytes } from "#shared/bytes/concat-bytes.ts";
import { type BlobId, type CommitId, idFromBytes, idToBytes } from "#shared/format/ids.ts";
import { indexRowBytes } from "#shared/format/index-section.ts";
import { packTableRowBytes } from "#shared/format/pack.ts";
import { encodeSnapshotHeader, type SnapshotHeader } from "#shared/format/snapshot.ts";
import { encodeSnapshotCopy } from "#shared/format/snapshot-copy.ts";
import { snapshotAad } from "#shared/format/snapshot-aad.ts";
import { encodeStateHead, type PackReference, type StatePack } from "#shared/format/state.ts";
import { logMark } from "#shared/log/log-state.ts";
import { publishState } from "#shared/log/publish-state.ts";
import { requireConfig } from "#shared/repository/open-repository.ts";
import { stageState } from "#shared/log/stage-state.ts";
import { sealIndexRows } from "#shared/repository/index-section.ts";
import { mergeIndexRows } from "#shared/repository/merge-index-rows.ts";
import { PackWriter, type WrittenPack } from "#shared/repository/pack-writer.ts";
import type { Repository } from "#shared/repository/repository.ts";
import { SegmentBuilder, type SealedSegment } from "#shared/repository/segment-builder.ts";
import { SegmentReferences } from "#shared/repository/segment-references.ts";
import type { ChangeSignal } from "#shared/work/change-signal.ts";
import { SessionIndex, type SessionTable } from "#shared/repository/session-index.ts";
import type { DrawnSession } from "#shared/repository/session-keys.ts";
import { sortIndexRows } from "#shared/repository/sort-index-rows.ts";
import { HoldfastError, isHoldfastError } from "#shared/errors.ts";
import { formatLimits } from "#shared/format/limits.ts";
import { collectAllGarbage } from "#shared/work/collect-garbage.ts";
import type { AdoptedPacks } from "./adopt-packs.ts";
import type { Journal, JournalRecord } from "./journal.ts";

/** Plaintext from which a segment of tree nodes is closed: smaller than for content, for quick random access. */
const metaSegmentBytes = 512 * 1024;

/**
 * The ordinal that a session's first segment gets: above those of the segment table, which may grow while a session is at work. Ordinals
 * are u32.
 */
const firstSessionOrdinal = 2 ** 31;

/** States staged in a row because the one before was swept before it was published. */
const stagedMax = 8;

/** Bytes of index rows from which memory is given back between the steps of a commit. */
const largeIndexBytes = 8 * 1024 * 1024;

/** A published snapshot. */
export type PublishedSnapshot = { readonly snapshotId: string; readonly seq: number; readonly stateBytes: number };

/**
 * One session of writing to a repository: its key, the segments and packs it adds, what its snapshot refers to, and the two
 * stages of its commit.
 */
export class SessionWriter {
  readonly repository: Repository;
  readonly sessionId: Uint8Array;
  readonly sessionKey: Uint8Array;
  readonly references = new SegmentReferences();
  readonly packs: PackWriter;
  readonly sessionIndex = new SessionIndex();
  /** The ordinal that the next segment gets, for all threads. */
  readonly ordinalCounter = new SharedArrayBuffer(4);
  /** The commit id that the state of this session will have. */
  readonly commitId: CommitId;
  readonly #envelope: Uint8Array;
  readonly #nodeMac: Mac;
  readonly #builder: SegmentBuilder;
  readonly #adopted: AdoptedPacks;
  readonly #journal: Journal | undefined;
  /** Gives memory that is not needed any more back, between steps that hold large buffers. */
  readonly #releaseMemory: () => void;

  private constructor(parts: {
    repository: Repository;
    drawn: DrawnSession;
    nodeMac: Mac;
    adopted: AdoptedPacks;
    journal: Journal | undefined;
    uploads: number;
    changes: ChangeSignal;
    releaseMemory: (() => void) | undefined;
  }) {
    const { repository } = parts;
    this.repository = repository;
    this.sessionId = parts.drawn.sessionId;
    this.sessionKey = parts.drawn.sessionKey;
    this.commitId = idFromBytes("commit", repository.random(16));
    this.#envelope = parts.drawn.envelope;
    this.#nodeMac = parts.nodeMac;
    this.#adopted = parts.adopted;
    this.#journal = parts.journal;
    this.#releaseMemory = () => {
      collectAllGarbage();
      parts.releaseMemory?.();
    };
    const ordinals = new Uint32Array(this.ordinalCounter);
    ordinals[0] = firstSessionOrdinal;
    this.packs = new PackWriter({
      store: repository.store,
      storeId: repository.storeIdBytes,
      sessionId: this.sessionId,
      envelope: this.#envelope,
      random: repository.random,
      packBytes: repository.config.packBytes,
      uploads: parts.uploads,
      onStoring: (pack) => this.#journalPack(pack),
      onSettled: (failure) => (failure === undefined ? parts.changes.notify() : parts.changes.fail(failure)),
    });
    this.#builder = new SegmentBuilder(
      {
        storeId: repository.storeIdBytes,
        kind: "meta",
        sessionKey: this.sessionKey,
        indexKey: repository.requireKey("indexKey"),
        level: repository.config.compression.level,
        targetBytes: metaSegmentBytes,
        blobMaxBytes: formatLimits.treeNodeBytes,
        verify: true,
      },
      repository.random,
      () => Atomics.add(ordinals, 0, 1),
    );
    this.sessionIndex.addTable(SessionIndex.createTable(1 << 15));
  }

  /** Begins a session with a key that was drawn for it. */
  static async begin(options: {
    repository: Repository;
    drawn: DrawnSession;
    adopted: AdoptedPacks;
    journal: Journal | undefined;
    uploads: number;
    /** Told when a pack was stored, or could not be. */
    changes: ChangeSignal;
    releaseMemory?: (() => void) | undefined;
  }): Promise<SessionWriter> {
    const { repository, drawn } = options;
    repository.sessionKeys.addKey(drawn.sessionId, drawn.sessionKey);
    return new SessionWriter({
      ...options,
      releaseMemory: options.releaseMemory,
      nodeMac: await repository.nodeMac(),
    });
  }

  /** Adds a table to the index of the session, for all threads. */
  growIndex(table: SessionTable): void {
    this.sessionIndex.addTable(table);
    this.onTable?.(table);
  }
  /** Hands a new table of the index to the threads that share it. */
  onTable: ((table: SessionTable) => void) | undefined;

  /** From now on stores tree nodes and lists even if they are known: some of those that the store has were found damaged. */
  distrustNodes(): void {
    this.#trustsNodes = false;
  }
  #trustsNodes = true;

  /** Stores a tree node or list unless it is known, and marks it as needed. @returns its blob id, 32 bytes */
  readonly writeNode = (bytes: Uint8Array): Uint8Array => {
    const id = this.#nodeMac.digest(bytes);
    const known = this.#trustsNodes ? this.#findKnown(id, 0) : -1;
    if (known >= 0) {
      this.references.mark(known);
      return id;
    }
    const place = {
      segment: this.#builder.ordinal,
      offsetBytes: this.#builder.offsetBytes,
      lengthBytes: bytes.byteLength,
    };
    let claimed = this.sessionIndex.claim(id, 0, place);
    if (claimed === -2) {
      this.growIndex(this.sessionIndex.grown() ?? SessionIndex.createTable(1 << 15));
      claimed = this.sessionIndex.claim(id, 0, place);
    }
    if (claimed >= 0) {
      this.references.mark(claimed);
      return id;
    }
    this.references.mark(place.segment);
    this.#builder.append(id, 0, bytes);
    if (this.#builder.full) this.packs.add("meta", this.#builder.seal());
    return id;
  };

  /** Learns where nodes lie that are met before the index is loaded, or without it. */
  rememberNodes(segments: ReadonlyMap<BlobId, number>): void {
    for (const [id, segment] of segments) this.#nodes.set(id, segment);
  }
  readonly #nodes = new Map<BlobId, number>();

  #findKnown(ids: Uint8Array, offset: number): number {
    const segment = this.repository.index.findSegment(ids, offset);
    if (segment >= 0 || this.#nodes.size === 0) return segment;
    return this.#nodes.get(idFromBytes("blob", ids.subarray(offset, offset + 32))) ?? -1;
  }

  /** The ordinal of the segment that holds a blob, if the snapshot needs that segment; -1 otherwise. */
  findReferenced(ids: Uint8Array, offset: number): number {
    const known = this.#findKnown(ids, offset);
    if (known >= 0 && this.references.has(known)) return known;
    const own = this.sessionIndex.findSegment(ids, offset);
    return own >= 0 && this.references.has(own) ? own : -1;
  }

  /** Adds a segment of content that a worker sealed. */
  addSegment(segment: SealedSegment): void {
    this.packs.add("data", segment);
  }

  /** Stores a blob of any kind beside the trees. */
  writeBlob(bytes: Uint8Array): BlobId {
    return idFromBytes("blob", this.writeNode(bytes));
  }

  /** Stores what the state will say of the snapshot among the trees too, so that it outlives the state. */
  writeSnapshotCopy(header: SnapshotHeader, group: Uint8Array): void {
    this.#isCopyAlone = this.#builder.empty && this.packs.empty;
    this.writeBlob(encodeSnapshotCopy({ commitId: this.commitId, group, header }));
  }

  /** Whether the session adds nothing but the copy of its header. */
  #isCopyAlone = false;

  /** Seals and stores what is open; afterwards only `publish` may follow. */
  async finishPacks(): Promise<void> {
    if (!this.#builder.empty) this.packs.add("meta", this.#builder.seal());
    await this.packs.finish();
  }

  /**
   * Stage 1 and 2: the state, then the log entry.
   *
   * @param overflowRows - index rows that threads kept beside the shared table
   */
  async publish(
    header: SnapshotHeader,
    options: {
      readonly overflowRows: readonly Uint8Array[];
      readonly group: Uint8Array;
      readonly signal?: AbortSignal;
    },
  ): Promise<PublishedSnapshot> {
    const { repository } = this;
    const packs: readonly StatePack[] = [...this.packs.packs, ...this.#adopted.packs];
    const section = sealIndexRows(() => this.#indexRows(options.overflowRows), {
      indexKey: repository.requireKey("indexKey"),
      storeId: repository.storeIdBytes,
      packIds: packs.map((pack) => pack.packId),
      random: repository.random,
    });
    const references = this.#packReferences();
    for (let staged = 1; ; staged++) {
      try {
        const parts = { packs, section, references, header };
        return await this.#publishOnce({ ...parts, group: options.group }, options.signal);
      } catch (error) {
        // It was taken for an orphan: another nonce makes another state of the same.
        const isSwept = isHoldfastError(error, "conflict") && error.detail["rule"] === "commit-state-is-not-swept";
        if (!isSwept || staged >= stagedMax) throw error;
        await repository.refresh();
      }
    }
  }

  /** Stages one state and publishes it. */
  async #publishOnce(
    parts: {
      readonly packs: readonly StatePack[];
      readonly section: readonly Uint8Array[];
      readonly references: readonly PackReference[];
      readonly header: SnapshotHeader;
      readonly group: Uint8Array;
    },
    signal: AbortSignal | undefined,
  ): Promise<PublishedSnapshot> {
    const { repository, commitId } = this;
    const { packs, section, references, header, group } = parts;
    const nonce = repository.random(24);
    const sealedSnapshot = concatBytes(
      nonce,
      seal(
        { key: this.sessionKey, nonce, aad: snapshotAad(repository.storeIdBytes, idToBytes(commitId)) },
        encodeSnapshotHeader(header),
      ),
    );
    const head = encodeStateHead(
      {
        storeId: repository.config.storeId,
        commitId,
        author: repository.signer.publicKey,
        createdMs: repository.clock.nowMs(),
        baseSeq: repository.log.seq,
        group,
        packs: packs.map(({ packId, kind, sizeBytes, table }) => ({ packId, kind, sizeBytes, table })),
        references,
        sessions: [{ sessionId: this.sessionId, envelope: this.#envelope }, ...this.#adopted.sessions],
        snapshotSession: this.sessionId,
        sealedSnapshot,
        indexBytes: section.reduce((sum, part) => sum + part.byteLength, 0),
        indexSha256: sha256(...section),
      },
      (message) => repository.signer.sign(message),
    );
    const staged = await stageState(repository.store, head, section);
    // A first entry has no other before it that would be missed where the store was taken away meanwhile.
    if (repository.log.seq === 0) await requireConfig(repository.store);
    const stored = new Set(packs.map((pack) => pack.packId));
    const { segments } = repository;
    const published = await publishState(
      {
        store: repository.store,
        signer: repository.signer,
        clock: repository.clock,
        random: repository.random,
        from: repository.log,
        atLeast: logMark(repository.log),
        ...(signal === undefined ? {} : { signal }),
      },
      { staged, confirmed: stored, published: { has: (packId) => segments.findPack(packId) !== undefined } },
    );
    repository.log = published.state;
    this.#journal?.clear();
    return { snapshotId: staged.stateId, seq: published.seq, stateBytes: staged.stateBytes };
  }

  #packReferences(): PackReference[] {
    const { segments } = this.repository;
    const known = segments.isQuiet ? this.references : this.references.followed(segments);
    const references = known.ofTable(segments);
    for (const pack of this.packs.packs) {
      const reference = this.references.ofPack(pack.packId, pack.ordinals);
      if (reference !== undefined) references.push(reference);
    }
    return references;
  }

  /** The rows of all blobs that the state adds, segments numbered in the order of the state's packs. */
  #indexRows(overflowRows: readonly Uint8Array[]): Uint8Array {
    const rows = sortIndexRows(this.#takeRows(overflowRows));
    // The large buffers of one step are given back before the next makes its own.
    if (rows.byteLength > largeIndexBytes) this.#releaseMemory();
    const numbers = new Map<number, number>();
    let next = 0;
    for (const pack of this.packs.packs) for (const ordinal of pack.ordinals) numbers.set(ordinal, next++);
    renumber(rows, numbers);
    if (this.#adopted.rows.byteLength === 0) return rows;
    const adopted = this.#adopted.rows.slice();
    for (const pack of this.#adopted.packs) {
      const known = this.repository.segments.findPack(pack.packId);
      const count = pack.table.byteLength / packTableRowBytes;
      for (let row = 0; row < count; row++) numbers.set((known?.firstSegment ?? 0) + row, next++);
    }
    renumber(adopted, numbers);
    return mergeIndexRows([rows, adopted], { copies: "drop" });
  }

  #takeRows(overflowRows: readonly Uint8Array[]): Uint8Array {
    const own = this.sessionIndex.takeRows();
    if (own.byteLength > largeIndexBytes) this.#releaseMemory();
    return overflowRows.every((each) => each.byteLength === 0) ? own : concatBytes(own, ...overflowRows);
  }

  /** The packs of this session that are in the store, for another session to take over. */
  get storedPacks(): readonly JournalRecord[] {
    return this.packs.packs.map((pack) => this.#recordOf(pack));
  }

  #journalPack(pack: WrittenPack): void {
    // Nobody needs to store the copy of a header again: the next session has another header.
    if (!this.#isCopyAlone) this.#journal?.add(this.#recordOf(pack));
  }

  #recordOf({ packId, kind, sizeBytes }: WrittenPack): JournalRecord {
    return { packId, kind, sizeBytes, sessionId: this.sessionId, envelope: this.#envelope };
  }
}

function renumber(rows: Uint8Array, numbers: ReadonlyMap<number, number>): void {
  const view = new DataView(rows.buffer, rows.byteOffset, rows.byteLength);
  for (let at = 20; at < rows.byteLength; at += indexRowBytes) {
    const number = numbers.get(view.getUint32(at, true));
    if (number === undefined) throw new HoldfastError("internal", "Cannot index a blob: its segment was not stored");
    view.setUint32(at, number, true);
  }
}
