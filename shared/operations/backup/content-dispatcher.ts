import { chunkRowBytes, type Entry, noChunks } from "#shared/format/entry.ts";
import { ByteWriter } from "#shared/bytes/byte-writer.ts";
import type { ScanRecord } from "#shared/connectors/importer.ts";
import type { WorkerPool } from "#shared/work/worker-pool.ts";
import { HoldfastError } from "#shared/errors.ts";
import type { QueuedEntry } from "./entry-queue.ts";
import { type BatchResult, type FileExtras, type FromBackupWorker, type ToBackupWorker } from "./worker-messages.ts";

/** Files of a batch at most, and bytes of content after which it is closed. */
const batchFiles = 192;
const batchBytes = 4 * 1024 * 1024;
/** Batches that one thread may have at a time. */
const batchesPerThread = 3;
/** Chunks of a file that are kept in its entry; those of larger files go to lists. */
export const chunksPerList = 4096;

type OpenBatch = { readonly items: QueuedEntry[]; readonly paths: string[]; readonly numbers: number[]; bytes: number };
type SentBatch = { readonly items: QueuedEntry[]; readonly worker: number; readonly partial: Map<number, ByteWriter> };

/** What a dispatcher tells of a file once its content is read. */
export type ContentOutcome = {
  readonly entry: Entry;
  readonly problems: readonly string[];
  readonly error: { readonly kind: string; readonly message: string } | undefined;
};

/**
 * Gives files to worker threads in batches and puts what comes back into their entries.
 *
 * Memory: a bounded number of batches per thread; of a very large file the chunks beyond a few thousand are handed to
 * `writeList` as they come.
 */
export class ContentDispatcher {
  readonly #pool: WorkerPool<ToBackupWorker, FromBackupWorker>;
  readonly #sent = new Map<number, SentBatch>();
  readonly #markSegment: (ordinal: number) => void;
  readonly #writeList: (rows: Uint8Array) => Uint8Array;
  readonly #onOutcome: (outcome: ContentOutcome) => void;
  #open: OpenBatch = { items: [], paths: [], numbers: [], bytes: 0 };
  #nextBatchId = 1;

  constructor(options: {
    readonly pool: WorkerPool<ToBackupWorker, FromBackupWorker>;
    readonly markSegment: (ordinal: number) => void;
    readonly writeList: (rows: Uint8Array) => Uint8Array;
    readonly onOutcome: (outcome: ContentOutcome) => void;
  }) {
    this.#pool = options.pool;
    this.#markSegment = options.markSegment;
    this.#writeList = options.writeList;
    this.#onOutcome = options.onOutcome;
  }

  /** Whether a further batch must wait until one is done. */
  get full(): boolean {
    return this.#pool.outstandingOf(this.#pool.idlest) >= batchesPerThread;
  }

  /** Whether all files that were added are done. */
  get idle(): boolean {
    return this.#sent.size === 0 && this.#open.items.length === 0;
  }

  /** Adds a file whose entry waits for its content. Only while not `full`. */
  add(item: QueuedEntry, record: ScanRecord): void {
    const batch = this.#open;
    if (batch.items.length > 0 && record.size > batchBytes) this.send();
    const open = this.#open;
    open.items.push(item);
    open.paths.push(record.path);
    open.numbers.push(
      record.size,
      record.blocks512,
      record.mtimeSec,
      record.mtimeNsec,
      record.ctimeSec,
      record.ctimeNsec,
      record.inodeHi,
      record.inodeLo,
      record.device,
      rootBytesOf(record),
    );
    open.bytes += record.size;
    if (open.items.length >= batchFiles || open.bytes >= batchBytes) this.send();
  }

  /** Sends the open batch even if it is small. */
  send(): void {
    const { items, paths, numbers } = this.#open;
    if (items.length === 0) return;
    this.#open = { items: [], paths: [], numbers: [], bytes: 0 };
    const worker = this.#pool.idlest;
    const batchId = this.#nextBatchId++;
    this.#sent.set(batchId, { items, worker, partial: new Map() });
    const packed = Float64Array.from(numbers);
    this.#pool.post(worker, { type: "batch", batchId, paths, numbers: packed }, [packed.buffer]);
  }

  /** Takes the first chunks of a very large file. */
  takePartial(message: { batchId: number; file: number; chunkRows: Uint8Array; chunkSegments: Uint32Array }): void {
    const batch = this.#batch(message.batchId);
    for (const segment of message.chunkSegments) this.#markSegment(segment);
    const lists = batch.partial.get(message.file) ?? new ByteWriter(400);
    batch.partial.set(message.file, lists);
    this.#appendLists(lists, message.chunkRows);
  }

  /** Takes the result of a batch. */
  takeResult(result: BatchResult): void {
    const batch = this.#batch(result.batchId);
    this.#sent.delete(result.batchId);
    this.#pool.done(batch.worker);
    for (const segment of result.chunkSegments) this.#markSegment(segment);
    let extra = 0;
    let at = 0;
    for (const [file, item] of batch.items.entries()) {
      const length = (result.chunkCounts[file] ?? 0) * chunkRowBytes;
      const rows = result.chunkRows.subarray(at, at + length);
      at += length;
      let extras: FileExtras | undefined;
      if (result.extras[extra]?.file === file) extras = result.extras[extra++];
      this.#fill(item.entry, rows, batch.partial.get(file), extras);
      if (extras?.error === undefined) {
        item.entry.size = result.sizes[file] ?? 0;
        item.entry.changed = result.changed[file] === 1;
      }
      item.ready = true;
      this.#onOutcome({ entry: item.entry, problems: extras?.problems ?? [], error: extras?.error });
    }
  }

  #fill(entry: Entry, rows: Uint8Array, lists: ByteWriter | undefined, extras: FileExtras | undefined): void {
    if (extras !== undefined) {
      if (extras.found !== undefined) Object.assign(entry, extras.found);
      entry.xattrs = extras.xattrs;
      entry.flags = extras.flags ?? 0;
      entry.extents = extras.extents;
      entry.error = extras.error?.message;
    }
    if (extras?.error !== undefined) {
      entry.chunks = noChunks;
      entry.extents = undefined;
      entry.size = 0;
    } else if (lists !== undefined || rows.byteLength > chunksPerList * chunkRowBytes) {
      const all = lists ?? new ByteWriter(400);
      this.#appendLists(all, rows);
      entry.lists = all.toBytes();
    } else {
      entry.chunks = rows.slice();
    }
  }

  #appendLists(lists: ByteWriter, rows: Uint8Array): void {
    const step = chunksPerList * chunkRowBytes;
    for (let from = 0; from < rows.byteLength; from += step) {
      const part = rows.subarray(from, from + step);
      const view = new DataView(part.buffer, part.byteOffset, part.byteLength);
      let bytes = 0;
      for (let at = 32; at < part.byteLength; at += chunkRowBytes) bytes += view.getUint32(at, true);
      lists.raw(this.#writeList(part));
      lists.u32(bytes % 2 ** 32);
      lists.u32(Math.floor(bytes / 2 ** 32));
    }
  }

  #batch(batchId: number): SentBatch {
    const batch = this.#sent.get(batchId);
    if (batch === undefined) throw new HoldfastError("internal", `Cannot find batch ${batchId}`);
    return batch;
  }
}

/** How much of the path of a record is the root of its source; all of it for the root itself. */
function rootBytesOf({ path, dir, name }: ScanRecord): number {
  if (name === "") return path.length;
  const below = path.length - name.length - (dir === "" ? 0 : dir.length + 1);
  // Without the slash, but for "/" itself.
  return Math.max(1, below - 1);
}
