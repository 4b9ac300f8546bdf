import type { BundleKeys } from "#shared/crypto/bundle.ts";
import { createMac, type Mac } from "#shared/crypto/mac.ts";
import type { Signer } from "#shared/crypto/signing.ts";
import type { StoreConfig } from "#shared/format/config.ts";
import type { SealedHeader } from "#shared/format/checkpoint-headers.ts";
import type { StateHead } from "#shared/format/state.ts";
import { idToBytes, type StateId } from "#shared/format/ids.ts";
import type { LogState, SnapshotRecord } from "#shared/log/log-state.ts";
import { readLog } from "#shared/log/read-log.ts";
import type { Store } from "#shared/store/store.ts";
import type { Clock } from "#shared/clock.ts";
import type { Random } from "#shared/random.ts";
import { HoldfastError, isHoldfastError } from "#shared/errors.ts";
import { findBlob } from "./blob-copies.ts";
import { BlobIndex, type BlobPlace } from "./blob-index.ts";
import { BlobReader } from "./blob-reader.ts";
import { joinStateIndex } from "./join-state-index.ts";
import { nodeKey } from "./node-key.ts";
import { PackFetcher } from "./pack-fetcher.ts";
import { type CheckpointedStates, PublishedStates, type StateContents } from "./published-states.ts";
import { openStateSection } from "./read-state.ts";
import { SegmentTable } from "./segment-table.ts";
import { SessionKeys } from "./session-keys.ts";

/** States read at once. */
const inFlightStates = 16;

/** Something of the store that could not be read while it was opened; the rest is usable. */
export type RepositoryProblem = { readonly stateId: StateId; readonly error: HoldfastError };

/** What a repository is made of. */
export type RepositoryParts = {
  readonly store: Store;
  readonly config: StoreConfig;
  readonly configSha256: Uint8Array;
  readonly keys: BundleKeys;
  readonly log: LogState;
  /** The checkpoint that the log was opened with, if any: it saves reading states one by one. */
  readonly checkpoint?: CheckpointedStates | undefined;
  /** Is told what of the checkpoint could not be used: that costs requests, and nothing else. */
  readonly onWarning?: ((error: HoldfastError) => void) | undefined;
  readonly signer: Signer;
  readonly clock: Clock;
  readonly random: Random;
};

/**
 * A store opened with keys: the folded log, and on demand the heads of states, the blob index and what they lead to.
 *
 * Readers may go on while maintenance is at work: `refresh` folds what came since, and segments are found where they are now.
 *
 * Memory: 32 bytes a blob and about 61 a segment once the index is loaded.
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
  /** States that could not be read. Filled by `loadHeads` and `loadIndex`. */
  readonly problems: RepositoryProblem[] = [];
  readonly #contents = new Map<StateId, StateContents>();
  #log: LogState;
  #headsLoaded: Promise<void> | undefined;
  #areHeadsThere = false;
  #indexLoaded: Promise<void> | undefined;
  #reader: Promise<BlobReader> | undefined;
  #refreshing: Promise<void> | undefined;
  #nextRefresh: Promise<void> | undefined;

  constructor(parts: RepositoryParts) {
    this.store = parts.store;
    this.config = parts.config;
    this.configSha256 = parts.configSha256;
    this.keys = parts.keys;
    this.#log = parts.log;
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
    this.fetcher = new PackFetcher({
      store: parts.store,
      segments: this.segments,
      refresh: () => this.refresh(),
    });
  }

  /** The log as folded when the repository was opened, by the last commit through it, or by `refresh`. */
  get log(): LogState {
    return this.#log;
  }

  set log(log: LogState) {
    this.#log = log;
    if (this.#areHeadsThere) this.segments.follow(log);
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
    const log = await readLog({ store: this.store, from: this.#log });
    if (log.seq > this.#log.seq) this.log = log;
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

  /** A reader of single blobs; it shares the index. */
  blobReader(): Promise<BlobReader> {
    this.#reader ??= this.#makeReader();
    return this.#reader;
  }

  async #makeReader(): Promise<BlobReader> {
    await this.loadIndex();
    return new BlobReader({
      fetcher: this.fetcher,
      storeId: this.storeIdBytes,
      index: this.index,
      segments: this.segments,
      sessionKeys: this.sessionKeys,
      nodeMac: await this.nodeMac(),
      chunkMac: await this.chunkMac(),
    });
  }

  async #readHeads(): Promise<void> {
    await this.#inOrder(
      (record) => this.states.contents(record),
      (record, contents) => {
        this.#contents.set(record.stateId, contents);
        for (const pack of contents.packs) this.segments.addPack(pack);
        for (const session of contents.sessions) this.sessionKeys.addEnvelope(session);
      },
    );
    this.segments.follow(this.#log);
    this.#areHeadsThere = true;
  }

  async #readIndexes(): Promise<void> {
    await this.loadHeads();
    const indexKey = this.requireKey("indexKey");
    await this.#inOrder(
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
    this.index.settle();
    this.#contents.clear();
    this.states.release();
  }

  /** Reads something of every published state, several at once, and uses the results in the order of the log. */
  async #inOrder<Read>(
    read: (record: SnapshotRecord) => Promise<Read>,
    use: (record: SnapshotRecord, read: Read) => void,
  ): Promise<void> {
    const records = [...this.#log.snapshots.values()].sort((left, right) => left.seq - right.seq);
    const failed: RepositoryProblem[] = [];
    for (let from = 0; from < records.length; from += inFlightStates) {
      const batch = records.slice(from, from + inFlightStates);
      const results = await Promise.allSettled(batch.map((record) => read(record)));
      for (const [index, result] of results.entries()) {
        const record = batch[index];
        if (record === undefined) continue;
        if (result.status === "fulfilled") use(record, result.value);
        else if (isHoldfastError(result.reason, "corrupt", "incompatible")) {
          failed.push({ stateId: record.stateId, error: result.reason });
        } else throw result.reason;
      }
    }
    if (failed.length === 0) return;
    // A state may have been swept since the log was folded: then nothing is wrong.
    await this.refresh();
    for (const problem of failed) if (!this.#log.sweptStates.has(problem.stateId)) this.problems.push(problem);
  }
}
