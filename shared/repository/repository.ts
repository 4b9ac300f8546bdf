import type { BundleKeys } from "#shared/crypto/bundle.ts";
import { createMac, type Mac } from "#shared/crypto/mac.ts";
import type { Signer } from "#shared/crypto/signing.ts";
import type { StoreConfig } from "#shared/format/config.ts";
import type { StateHead } from "#shared/format/state.ts";
import { idToBytes, type StateId } from "#shared/format/ids.ts";
import type { LogState, SnapshotRecord } from "#shared/log/log-state.ts";
import type { Store } from "#shared/store/store.ts";
import type { Clock } from "#shared/clock.ts";
import type { Random } from "#shared/random.ts";
import { HoldfastError, isHoldfastError } from "#shared/errors.ts";
import { BlobIndex } from "./blob-index.ts";
import { BlobReader } from "./blob-reader.ts";
import { joinStateIndex } from "./join-state-index.ts";
import { nodeKey } from "./node-key.ts";
import { readStateHead, readStateIndex } from "./read-state.ts";
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
  readonly signer: Signer;
  readonly clock: Clock;
  readonly random: Random;
};

/**
 * A store opened with keys: the folded log, and on demand the heads of states, the blob index and what they lead to.
 *
 * Memory: 32 bytes a blob and 56 a segment once the index is loaded.
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
  /** The log as folded when the repository was opened, or by the last commit through it. */
  log: LogState;
  /** States that could not be read. Filled by `loadHeads` and `loadIndex`. */
  readonly problems: RepositoryProblem[] = [];
  readonly #heads = new Map<StateId, StateHead>();
  #headsLoaded: Promise<void> | undefined;
  #indexLoaded: Promise<void> | undefined;
  #reader: Promise<BlobReader> | undefined;

  constructor(parts: RepositoryParts) {
    this.store = parts.store;
    this.config = parts.config;
    this.configSha256 = parts.configSha256;
    this.keys = parts.keys;
    this.log = parts.log;
    this.signer = parts.signer;
    this.clock = parts.clock;
    this.random = parts.random;
    this.storeIdBytes = idToBytes(parts.config.storeId);
    this.sessionKeys = new SessionKeys(this.storeIdBytes, parts.keys.hpke);
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

  /** Reads the heads of all published states, and with them the tables of all packs. What cannot be read goes to `problems`. */
  loadHeads(): Promise<void> {
    this.#headsLoaded ??= this.#readHeads();
    return this.#headsLoaded;
  }

  /** Reads the blob index of all published states. */
  loadIndex(): Promise<void> {
    this.#indexLoaded ??= this.#readIndexes();
    return this.#indexLoaded;
  }

  /** The head of a published state. @throws {HoldfastError} corrupt: it could not be read */
  async head(stateId: StateId): Promise<StateHead> {
    await this.loadHeads();
    const head = this.#heads.get(stateId);
    if (head !== undefined) return head;
    const problem = this.problems.find((each) => each.stateId === stateId);
    throw problem?.error ?? new HoldfastError("absent", `Cannot find state ${stateId}`);
  }

  /** A reader of single blobs; it shares the index. */
  blobReader(): Promise<BlobReader> {
    this.#reader ??= this.#makeReader();
    return this.#reader;
  }

  async #makeReader(): Promise<BlobReader> {
    await this.loadIndex();
    return new BlobReader({
      store: this.store,
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
      (record) => readStateHead(this.store, this.config.storeId, record),
      (record, head) => {
        this.#heads.set(record.stateId, head);
        for (const pack of head.packs) this.segments.addPack(pack);
        for (const session of head.sessions) this.sessionKeys.addEnvelope(session);
      },
    );
  }

  async #readIndexes(): Promise<void> {
    await this.loadHeads();
    const indexKey = this.requireKey("indexKey");
    await this.#inOrder(
      async (record) => {
        const head = this.#heads.get(record.stateId);
        if (head === undefined) return undefined;
        return {
          head,
          rows: await readStateIndex(this.store, record, { head, indexKey, storeIdBytes: this.storeIdBytes }),
        };
      },
      (_record, read) => {
        if (read !== undefined) this.index.addRun(joinStateIndex(read.rows, read.head, this.segments));
      },
    );
    this.index.settle();
  }

  /** Reads something of every published state, several at once, and uses the results in the order of the log. */
  async #inOrder<Read>(
    read: (record: SnapshotRecord) => Promise<Read>,
    use: (record: SnapshotRecord, read: Read) => void,
  ): Promise<void> {
    const records = [...this.log.snapshots.values()].sort((left, right) => left.seq - right.seq);
    for (let from = 0; from < records.length; from += inFlightStates) {
      const batch = records.slice(from, from + inFlightStates);
      const results = await Promise.allSettled(batch.map((record) => read(record)));
      for (const [index, result] of results.entries()) {
        const record = batch[index];
        if (record === undefined) continue;
        if (result.status === "fulfilled") use(record, result.value);
        else if (isHoldfastError(result.reason, "corrupt", "incompatible")) {
          this.problems.push({ stateId: record.stateId, error: result.reason });
        } else throw result.reason;
      }
    }
  }
}
