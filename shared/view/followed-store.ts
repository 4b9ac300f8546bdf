import { type Clock } from "#shared/clock.ts";
import { type HoldfastError, isHoldfastError } from "#shared/errors.ts";
import { idToBytes, type StateId } from "#shared/format/ids.ts";
import type { SnapshotRecord } from "#shared/log/log-state.ts";
import { repairedByPrefix, successorOf } from "#shared/log/repaired-commit-id.ts";
import { ByteBoundedCache } from "#shared/repository/byte-bounded-cache.ts";
import type { BlobReader, ChunkOpener } from "#shared/repository/blob-reader.ts";
import type { Repository } from "#shared/repository/repository.ts";
import { liveRecords, readSnapshot, type Snapshot } from "#shared/snapshot/read-snapshot.ts";
import { explainLoss, type ReadsBlobs, snapshotReader } from "#shared/snapshot/snapshot-reader.ts";
import { SnapshotTree } from "#shared/snapshot/snapshot-tree.ts";
import { NodeCache } from "./node-cache.ts";
import { ReadAhead } from "./read-ahead.ts";
import { StoredShares } from "./stored-shares.ts";

/** How a store is followed. */
export type FollowOptions = {
  readonly clock: Clock;
  /** How old what is known of the log may be, milliseconds. */
  readonly refreshMs?: number;
  /** Bytes of decoded tree nodes that are kept. */
  readonly nodeBytes?: number;
  /** Bytes that all readers together may fetch ahead. */
  readonly readAheadBytes?: number;
  /** Bytes of opened segments of content that are kept. */
  readonly contentBytes?: number;
  /** Opens segments of content in other threads. */
  readonly chunkOpener?: ChunkOpener | undefined;
  /** Told when the log could not be read again; what was known of it stays in use. */
  readonly onProblem?: (problem: HoldfastError) => void;
};

/** Bytes of snapshot headers that are kept, and what each counts for at least. */
const headerCacheBytes = 16 * 1024 * 1024;
const headerBytesMin = 2048;
/** Bytes of opened segments of content, unless something else is said. */
const contentCacheBytes = 64 * 1024 * 1024;

/**
 * An opened store that is read for a long time: takes note of what others commit, remove and relocate, and holds the caches that all
 * views of it share.
 *
 * Memory: what `Repository` holds, and the caches, each bounded in bytes.
 */
export class FollowedStore {
  readonly readAhead: ReadAhead;
  readonly #nodes: NodeCache;
  readonly #headers = new ByteBoundedCache<StateId, Promise<Snapshot>>(headerCacheBytes);
  readonly #shares: StoredShares;
  readonly #options: FollowOptions;
  readonly #refreshMs: number;
  #reader: Promise<BlobReader> | undefined;
  readonly #repository: Repository;
  /** The last entry of the log whose snapshots `#repository` can read: it may have folded more. */
  #loadedSeq: number;
  #readAtMs: number;
  #refreshing: Promise<void> | undefined;
  #live: { readonly seq: number; readonly records: readonly SnapshotRecord[] } | undefined;

  constructor(repository: Repository, options: FollowOptions) {
    this.#repository = repository;
    this.#shares = new StoredShares(repository);
    this.#loadedSeq = repository.log.seq;
    this.#options = options;
    this.#refreshMs = options.refreshMs ?? 2000;
    this.#readAtMs = options.clock.nowMs();
    this.#nodes = new NodeCache(options.nodeBytes ?? 32 * 1024 * 1024);
    this.readAhead = new ReadAhead(options.readAheadBytes ?? 64 * 1024 * 1024);
  }

  /** Snapshots that are not removed, the newest first. At most `refreshMs` old. */
  async records(): Promise<readonly SnapshotRecord[]> {
    await this.#refreshIfOld();
    return this.#liveRecords();
  }

  /**
   * What the log says of a snapshot, or of the one that a repair put in its place, without waiting for what was committed a moment ago, unless it is not
   * known yet. Undefined: there is none by that id, or it is removed.
   */
  async record(id: StateId): Promise<SnapshotRecord | undefined> {
    const find = (): SnapshotRecord | undefined => {
      const record = this.#repository.log.snapshots.get(id);
      return record === undefined || record.seq > this.#loadedSeq ? undefined : record;
    };
    if (find() === undefined) await this.#refreshIfOld();
    else void this.#refreshIfOld().catch(() => undefined); // whoever waits for it is told
    const record = find();
    if (record?.removed === undefined && record !== undefined) return record;
    const successor = successorOf(this.#repository.log, id);
    return successor?.removed === undefined && (successor?.seq ?? 0) <= this.#loadedSeq ? successor : undefined;
  }

  /** As `record`, of all whose id begins with `prefix`. */
  async recordsByPrefix(prefix: string): Promise<SnapshotRecord[]> {
    const find = (): SnapshotRecord[] => this.#liveRecords().filter((record) => record.stateId.startsWith(prefix));
    const known = find();
    if (known.length > 0) {
      void this.#refreshIfOld().catch(() => undefined); // whoever waits for it is told
      return known;
    }
    await this.#refreshIfOld();
    return find();
  }

  /** Live snapshots that a repair put in the place of those whose ids begin with `prefix`, with those ids. At most `refreshMs` old. */
  async repairedByPrefix(prefix: string): Promise<{ readonly old: StateId; readonly record: SnapshotRecord }[]> {
    await this.#refreshIfOld();
    return [...repairedByPrefix(this.#repository.log, prefix)].filter(({ record }) => record.seq <= this.#loadedSeq);
  }

  /** The opened header of a snapshot. Throws as `readSnapshot`. */
  snapshot(record: SnapshotRecord): Promise<Snapshot> {
    const kept = this.#headers.get(record.stateId);
    if (kept !== undefined) return kept;
    const read = readSnapshot(this.#repository, record);
    this.#headers.add(record.stateId, read, Math.max(headerBytesMin, record.headBytes));
    read.catch(() => this.#headers.drop(record.stateId));
    return read;
  }

  /**
   * Bytes that live snapshots take in the store, as each answers for them: those that no older one needs.
   *
   * @returns by snapshot; those whose states cannot be read are missing
   */
  async storedShares(): Promise<ReadonlyMap<StateId, number>> {
    return this.#shares.bytesOf(await this.records());
  }

  /** A reader of single blobs that a snapshot needs, of the store as it is now. Throws as `snapshotReader`. */
  async reader(id: StateId): Promise<ReadsBlobs> {
    return snapshotReader(this.#repository, id, await this.#blobReader());
  }

  #blobReader(): Promise<BlobReader> {
    if (this.#reader !== undefined) return this.#reader;
    const { contentBytes = contentCacheBytes, chunkOpener } = this.#options;
    const reader = this.#repository.newBlobReader({
      chunkSegmentBytes: contentBytes,
      ...(chunkOpener === undefined ? {} : { chunkOpener }),
    });
    this.#reader = reader;
    // A failure is not kept, so that a store that answers again is asked again.
    reader.catch(() => (this.#reader = undefined));
    return reader;
  }

  /** The tree of a snapshot, its nodes read through the cache. */
  tree(snapshot: Snapshot): SnapshotTree {
    this.#repository.prefer(snapshot.id);
    return new SnapshotTree(snapshot, async (nodeId) => {
      try {
        // Who waits for a node with others waits for one read, on behalf of no snapshot.
        return await this.#nodes.read(nodeId, await this.#blobReader());
      } catch (error) {
        throw explainLoss(error, this.#repository.log, snapshot.id);
      }
    });
  }

  /** Loads what the first request would wait for: the roots of a snapshot's trees, or of the newest's, and where they are. */
  async warm(wanted?: Snapshot): Promise<void> {
    if (wanted !== undefined) return this.#warm(wanted);
    const [newest] = this.#liveRecords();
    try {
      if (newest !== undefined) await this.#warm(await this.snapshot(newest));
    } catch (error) {
      if (!isHoldfastError(error, "absent", "corrupt", "incompatible")) throw error; // those who ask for that snapshot are told
    }
  }

  async #warm(snapshot: Snapshot): Promise<void> {
    this.#repository.prefer(snapshot.id);
    const reader = await this.#blobReader();
    for (const { tree } of snapshot.header.sources) await this.#nodes.read(idToBytes(tree.nodeId), reader);
  }

  #liveRecords(): readonly SnapshotRecord[] {
    const { seq } = this.#repository.log;
    if (this.#live?.seq !== seq) {
      const records = liveRecords(this.#repository).filter((record) => record.seq <= this.#loadedSeq);
      this.#live = { seq, records };
    }
    return this.#live.records;
  }

  #refreshIfOld(): Promise<void> {
    const isOld = this.#options.clock.nowMs() - this.#readAtMs >= this.#refreshMs;
    if (!isOld && this.#refreshing === undefined) return Promise.resolve();
    this.#refreshing ??= this.#refresh().finally(() => (this.#refreshing = undefined));
    return this.#refreshing;
  }

  async #refresh(): Promise<void> {
    try {
      this.#loadedSeq = await this.#repository.follow();
      this.#live = undefined;
    } catch (error) {
      if (!isHoldfastError(error, "unavailable")) throw error;
      this.#options.onProblem?.(error);
    }
    this.#readAtMs = this.#options.clock.nowMs();
  }
}
