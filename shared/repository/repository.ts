import type { BundleKeys } from "#shared/crypto/bundle.ts";
import { createMac, type Mac } from "#shared/crypto/mac.ts";
import type { Signer } from "#shared/crypto/signing.ts";
import type { StoreConfig } from "#shared/format/config.ts";
import type { SealedHeader } from "#shared/format/checkpoint-headers.ts";
import type { StateHead } from "#shared/format/state.ts";
import { idToBytes, type StateId } from "#shared/format/ids.ts";
import type { LogState, SnapshotRecord } from "#shared/log/log-state.ts";
import { readLog } from "#shared/log/read-log.ts";
import { readPlacedPacks } from "#shared/log/read-placed-packs.ts";
import type { Store } from "#shared/store/store.ts";
import type { Clock } from "#shared/clock.ts";
import type { Random } from "#shared/random.ts";
import { HoldfastError, isHoldfastError } from "#shared/errors.ts";
import { blobCopies, findBlob } from "./blob-copies.ts";
import { BlobIndex, type BlobPlace } from "./blob-index.ts";
import { BlobLookup } from "./blob-lookup.ts";
import { BlobReader, type BlobReaderOptions } from "./blob-reader.ts";
import { inFlightStates, inOrderOfStates, type RepositoryProblem } from "./in-order-of-states.ts";
import { joinStateIndex } from "./join-state-index.ts";
import { nodeKey } from "./node-key.ts";
import { PackFetcher } from "./pack-fetcher.ts";
import { PublishedStates, type StateContents } from "./published-states.ts";
import { openStateSection } from "./read-state.ts";
import type { RepositoryParts } from "./repository-parts.ts";
import { SectionReader } from "./section-reader.ts";
import { SegmentTable } from "./segment-table.ts";
import { SessionKeys } from "./session-keys.ts";

/**
 * A store opened with keys: the folded log, and on demand the heads of states, the blob index and what they lead to.
 *
 * Readers may go on while maintenance is at work: `refresh` folds what came since, and segments are found where they are now.
 *
 * Who reads single blobs (`blobReader`) reads of the index what it takes to find them; who needs all of it calls `loadIndex`.
 *
 * Memory: about 61 bytes a segment; 32 bytes a blob once the index is loaded, before that at most 256 MiB and a byte a blob.
 */
export class Repository {
  readonly store: Store;
  readonly config: StoreConfig;
  readonly configSha256: Uint8Array;
  readonly keys: BundleKeys;
  readonly signer: Signer;
  readonly clock: Clock;
  readonly random: Random;
  readonly storeIdBytes: Uint8Array;
  readonly segments = new SegmentTable();
  readonly index = new BlobIndex();
  readonly sessionKeys: SessionKeys;
  readonly fetcher: PackFetcher;
  readonly states: PublishedStates;
  /** States that could not be read. Filled by `loadHeads`, `follow` and `loadIndex`, and by readers of blobs. */
  readonly problems: RepositoryProblem[] = [];
  readonly #contents = new Map<StateId, StateContents>();
  #log: LogState;
  #headsLoaded: Promise<void> | undefined;
  #areHeadsThere = false;
  /** Packs that relocations placed, of which all is known that is to be known. */
  #placed: LogState["placed"] | undefined;
  /** The last entry of the fold that the repository was opened with, where nobody has seen that entry. */
  readonly #unseenSeq: number | undefined;
  readonly #onWarning: ((error: HoldfastError) => void) | undefined;
  /** The last entry of the log whose states' heads are loaded. */
  #headsSeq = 0;
  #isIndexThere = false;
  #lookup: BlobLookup | undefined;
  #preferred: StateId | undefined;
  #indexLoaded: Promise<void> | undefined;
  #reader: Promise<BlobReader> | undefined;
  #refreshing: Promise<void> | undefined;
  #nextRefresh: Promise<void> | undefined;
  #following: Promise<void> | undefined;

  constructor(parts: RepositoryParts) {
    this.store = parts.store;
    this.config = parts.config;
    this.configSha256 = parts.configSha256;
    this.keys = parts.keys;
    this.#log = parts.log;
    this.#unseenSeq = parts.checkpoint?.seq;
    this.#onWarning = parts.onWarning;
    this.signer = parts.signer;
    this.clock = parts.clock;
    this.random = parts.random;
    this.storeIdBytes = idToBytes(parts.config.storeId);
    this.states = new PublishedStates({
      store: parts.store,
      storeId: parts.config.storeId,
      checkpoint: parts.checkpoint,
      onWarning: parts.onWarning,
    });
    this.sessionKeys = new SessionKeys(this.storeIdBytes, parts.keys.hpke);
    this.fetcher = new PackFetcher({ store: parts.store, segments: this.segments, refresh: () => this.refresh() });
  }

  /** The log as folded when the repository was opened, by the last commit through it, or by `refresh`. */
  get log(): LogState {
    return this.#log;
  }

  set log(log: LogState) {
    this.#log = log;
    // Where packs were placed meanwhile whose tables are not known, segments are found as before until `refresh` has read those.
    if (this.#areHeadsThere && this.#knowsPlaced()) this.segments.follow(log);
  }

  /**
   * Folds the entries of the log that came since; from then on segments are found where they are now. Snapshots that were published
   * meanwhile are in the log, and their heads and blobs are not loaded.
   *
   * Calls that come while one is at work share one that begins after it: what any of them asks for is newer than the call.
   *
   * @throws {HoldfastError} as `readLog`
   */
  refresh(): Promise<void> {
    if (this.#refreshing === undefined) {
      this.#refreshing = this.#foldNewer().finally(() => (this.#refreshing = undefined));
      return this.#refreshing;
    }
    const before = this.#refreshing;
    this.#nextRefresh ??= before
      .catch(() => undefined)
      .then(() => {
        this.#nextRefresh = undefined;
        return this.refresh();
      });
    return this.#nextRefresh;
  }

  async #foldNewer(): Promise<void> {
    const log = await readLog({
      store: this.store,
      from: this.#log,
      isFromCheckpoint: this.#log.seq === this.#unseenSeq,
      onEntry: ({ entry }) => {
        if (!this.#areHeadsThere) return;
        for (const event of entry.events)
          if (event.type === "relocate") for (const pack of event.to) this.segments.addPack(pack);
      },
    });
    if (log.seq > this.#log.seq) this.log = log;
    if (this.#areHeadsThere && !this.#knowsPlaced()) await this.#followSegments();
  }

  /**
   * `refresh`, and loads the heads of what was published meanwhile, if heads are loaded: `blobReader` reads new snapshots, too, and keeps what it
   * has cached. What cannot be read of them goes to `problems`.
   *
   * @returns the last entry of the log whose snapshots can be read
   * @throws {HoldfastError} as `readLog`, and unavailable: the next call tries again
   */
  async follow(): Promise<number> {
    await this.refresh();
    if (this.#headsLoaded === undefined) return this.#log.seq;
    await this.#headsLoaded;
    this.#following ??= this.#followHeads().finally(() => (this.#following = undefined));
    await this.#following;
    return this.#headsSeq;
  }

  /** The same store at a newer fold of its log, with nothing loaded yet. */
  async reopened(): Promise<Repository> {
    await this.refresh();
    const { store, config, configSha256, keys, log, signer, clock, random } = this;
    const { checkpoint } = this.states;
    return new Repository({ store, config, configSha256, keys, log, checkpoint, signer, clock, random });
  }

  /** The place where a blob is best read now, relocations followed, or undefined. The index must be loaded. */
  findBlob(ids: Uint8Array, offset = 0): BlobPlace | undefined {
    return findBlob(this.index, this.segments, ids, offset);
  }

  /** A key of this role. @throws {HoldfastError} denied: the role does not hold it */
  requireKey(name: "idKey" | "chunkKey" | "indexKey"): Uint8Array {
    const key = this.keys[name];
    if (key === undefined) {
      throw new HoldfastError("denied", "Cannot do this without a key of the store", {
        hint: "Give an owner's or a writer's key.",
      });
    }
    return key;
  }

  /** The MAC that names chunks of content. */
  chunkMac(): Promise<Mac> {
    return createMac(this.requireKey("idKey"));
  }

  /** The MAC that names tree nodes and lists; another key, so that content is never taken for a node. */
  nodeMac(): Promise<Mac> {
    return createMac(nodeKey(this.requireKey("idKey")));
  }

  /**
   * Reads the heads of all published states, and with them the tables of all packs, also those that relocations placed. What cannot be read goes
   * to `problems`; states that were swept meanwhile are passed over. Needs no key.
   */
  loadHeads(): Promise<void> {
    this.#headsLoaded ??= this.#readHeads();
    return this.#headsLoaded;
  }

  /** Reads the blob index of all published states. */
  loadIndex(): Promise<void> {
    this.#indexLoaded ??= this.#readIndexes();
    return this.#indexLoaded;
  }

  /** The whole head of a published state, from its own object: one request. @throws {HoldfastError} corrupt: it could not be read */
  async head(stateId: StateId): Promise<StateHead> {
    const record = this.#log.snapshots.get(stateId);
    if (record === undefined) throw new HoldfastError("absent", `Cannot find state ${stateId}`);
    return this.states.head(record);
  }

  /** The sealed header of a snapshot, whose session key is then at hand. @throws {HoldfastError} corrupt: its state could not be read */
  async header(record: SnapshotRecord): Promise<SealedHeader> {
    const header = await this.states.header(record);
    this.sessionKeys.addEnvelope(header.session);
    return header;
  }

  /** Reads the sealed headers that no checkpoint told of, several at once. What cannot be read is met again by `header`. */
  async loadHeaders(records: readonly SnapshotRecord[]): Promise<void> {
    for (let from = 0; from < records.length; from += inFlightStates) {
      const results = await Promise.allSettled(
        records.slice(from, from + inFlightStates).map((record) => this.states.header(record)),
      );
      for (const result of results) {
        if (result.status === "rejected" && !isHoldfastError(result.reason, "corrupt", "incompatible"))
          throw result.reason;
      }
    }
  }

  /** Has the index of a state read before that of others, for who reads the snapshot that it published. */
  prefer(stateId: StateId): void {
    if (this.#preferred === stateId) return;
    this.#preferred = stateId;
    this.#lookup?.prefer(stateId);
  }

  /** A reader of single blobs, which reads of the index what it takes to find them, or uses all of it once that is loaded. */
  blobReader(): Promise<BlobReader> {
    this.#reader ??= this.newBlobReader();
    return this.#reader;
  }

  /** As `blobReader`, another one with caches of its own. */
  async newBlobReader(options: BlobReaderOptions = {}): Promise<BlobReader> {
    await (this.#indexLoaded ?? this.loadHeads());
    if (!this.#isIndexThere) this.#lookup ??= this.#makeLookup();
    const parts = {
      fetcher: this.fetcher,
      storeId: this.storeIdBytes,
      copies: (ids: Uint8Array) => this.#copies(ids),
      knows: (ids: Uint8Array) => this.index.find(ids) !== undefined || this.#lookup?.knows(ids) === true,
      segments: this.segments,
      sessionKeys: this.sessionKeys,
      nodeMac: await this.nodeMac(),
      chunkMac: await this.chunkMac(),
    };
    return new BlobReader(parts, options);
  }

  async *#copies(ids: Uint8Array): AsyncGenerator<BlobPlace> {
    if (this.#isIndexThere) yield* blobCopies(this.index, this.segments, ids);
    if (this.#lookup !== undefined) yield* this.#lookup.copies(ids);
  }

  #makeLookup(records = this.#records((record) => record.seq <= this.#headsSeq)): BlobLookup {
    const reader = new SectionReader({
      store: this.store,
      storeIdBytes: this.storeIdBytes,
      indexKey: this.requireKey("indexKey"),
      states: this.states,
      contentsOf: async (record) => this.#contents.get(record.stateId) ?? this.states.contents(record),
      segments: this.segments,
      onProblem: ({ stateId }, error) => this.#addProblems([{ stateId, error }]),
    });
    const lookup = new BlobLookup({ segments: this.segments, read: (asked) => reader.read(asked) });
    lookup.add(records.filter(({ stateId }) => !this.problems.some((problem) => problem.stateId === stateId)));
    if (this.#preferred !== undefined) lookup.prefer(this.#preferred);
    return lookup;
  }

  async #readHeads(): Promise<void> {
    const { seq } = this.#log;
    await this.#readHeadsOf(this.#records());
    await this.#followSegments();
    this.#headsSeq = seq;
    this.#areHeadsThere = true;
  }

  async #followHeads(): Promise<void> {
    const { seq } = this.#log;
    const records = this.#records((record) => record.seq > this.#headsSeq);
    if (records.length > 0) {
      const read = await this.#readHeadsOf(records);
      await this.#followSegments();
      if (this.#lookup !== undefined) this.#lookup.add(read);
      else if (this.#isIndexThere) this.#lookup = this.#makeLookup(read);
    }
    this.#headsSeq = seq;
  }

  /** Whether the tables of all packs that relocations placed are there, but for those that are not to be had. */
  #knowsPlaced(): boolean {
    const { placed } = this.#log;
    if (placed === this.#placed) return true;
    for (const packId of placed.keys()) if (this.segments.findPack(packId) === undefined) return false;
    this.#placed = placed;
    return true;
  }

  /** Reads the tables that are missing of packs that relocations placed; then segments are where the log says. */
  async #followSegments(): Promise<void> {
    while (!this.#knowsPlaced()) {
      const log = this.#log;
      // Parts of the checkpoint tell of those that were there when the store was opened.
      const inParts = this.#areHeadsThere ? [] : await this.states.placedPacks();
      for (const pack of inParts) if (log.placed.has(pack.packId)) this.segments.addPack(pack);
      const unknown = await readPlacedPacks({
        store: this.store,
        log,
        isMeant: (packId) => this.segments.findPack(packId) === undefined,
        use: (pack) => void this.segments.addPack(pack),
      });
      for (const { error } of unknown) this.#onWarning?.(error);
      if (unknown.length > 0 && log.placed === this.#log.placed) this.#placed = log.placed;
    }
    this.segments.follow(this.#log);
  }

  /** @returns the records of those that could be read */
  async #readHeadsOf(records: readonly SnapshotRecord[]): Promise<SnapshotRecord[]> {
    const done: SnapshotRecord[] = [];
    const failed = await inOrderOfStates(
      records,
      (record) => this.states.contents(record),
      (record, contents) => {
        done.push(record);
        const { packs, sessions, indexBytes, indexSha256 } = contents;
        this.#contents.set(record.stateId, { packs, sessions, indexBytes, indexSha256 });
        for (const pack of packs) this.segments.addPack(pack);
        for (const session of sessions) this.sessionKeys.addEnvelope(session);
      },
    );
    await this.#addProblems(failed);
    return done;
  }

  async #readIndexes(): Promise<void> {
    await this.loadHeads();
    const indexKey = this.requireKey("indexKey");
    const failed = await inOrderOfStates(
      this.#records((record) => record.seq <= this.#headsSeq),
      async (record) => {
        const contents = this.#contents.get(record.stateId);
        if (contents === undefined) return undefined;
        const section = await this.states.section(record, contents);
        return {
          packs: contents.packs,
          rows: openStateSection(section, record.stateId, {
            packs: contents.packs,
            indexKey,
            storeIdBytes: this.storeIdBytes,
          }),
        };
      },
      (_record, read) => {
        if (read !== undefined) this.index.addRun(joinStateIndex(read.rows, read, this.segments));
      },
    );
    await this.#addProblems(failed);
    this.index.settle();
    this.#isIndexThere = true;
    this.#lookup = undefined;
    this.#contents.clear();
    this.states.release();
  }

  /** Published states in the order of the log. */
  #records(isMeant: (record: SnapshotRecord) => boolean = () => true): SnapshotRecord[] {
    return [...this.#log.snapshots.values()].filter(isMeant).sort((left, right) => left.seq - right.seq);
  }

  async #addProblems(failed: readonly RepositoryProblem[]): Promise<void> {
    if (failed.length === 0) return;
    // A state may have been swept since the log was folded: then nothing is wrong.
    await this.refresh();
    for (const problem of failed) {
      const isKnown = this.problems.some(({ stateId }) => stateId === problem.stateId);
      if (!isKnown && !this.#log.sweptStates.has(problem.stateId)) this.problems.push(problem);
    }
  }
}
