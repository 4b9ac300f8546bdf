import { isDeepStrictEqual } from "node:util";
import type { Importer, ScanProblem, ScanRecord } from "#shared/connectors/importer.ts";
import { encodeChunkList } from "#shared/format/chunk-list.ts";
import type { SnapshotError } from "#shared/format/error-list.ts";
import { HoldfastError } from "#shared/errors.ts";
import type { Progress, Reporter } from "#shared/operations/progress.ts";
import type { ChangeSignal } from "#shared/work/change-signal.ts";
import { WorkerPool } from "#shared/work/worker-pool.ts";
import { ContentDispatcher, type ContentOutcome } from "./content-dispatcher.ts";
import type { QueuedEntry } from "./entry-queue.ts";
import type { YoungTimes } from "./doubts.ts";
import type { IndexOnDemand } from "./index-on-demand.ts";
import type { SessionWriter } from "./session-writer.ts";
import type { BackupWorkerData, FromBackupWorker, ToBackupWorker } from "./worker-messages.ts";

/** Bytes of errors that a snapshot lists; more are only counted. The list must fit in one blob. */
const listedErrorBytes = 8 * 1024 * 1024;

/** What one backup shares between its sources: the session, the threads, what went wrong, how far it is. */
export class BackupRun {
  readonly session: SessionWriter;
  readonly young: YoungTimes;
  readonly reread: (() => boolean) | undefined;
  readonly index: IndexOnDemand;
  readonly progress: Progress;
  readonly errors: SnapshotError[] = [];
  readonly counts = {
    unchanged: 0,
    changed: 0,
    newBytes: 0,
    knownBytes: 0,
    errors: 0,
    changedWhileRead: 0,
    reread: 0,
    differing: 0,
  };
  readonly #reporter: Reporter;
  readonly #threads: number;
  readonly #changes: ChangeSignal;
  readonly #completions = new Map<object, () => void>();
  readonly #overflowRows: Uint8Array[] = [];
  #pool: WorkerPool<ToBackupWorker, FromBackupWorker> | undefined;
  #dispatcher: ContentDispatcher | undefined;

  constructor(options: {
    readonly session: SessionWriter;
    /** To be loaded before chunks or nodes are looked for, and before files are read. */
    readonly index: IndexOnDemand;
    readonly progress: Progress;
    readonly reporter: Reporter;
    readonly threads: number;
    readonly changes: ChangeSignal;
    /** Times that are too young to tell every later change. */
    readonly young: YoungTimes;
    /** Whether the next unchanged file is read all the same; undefined: none is. */
    readonly reread: (() => boolean) | undefined;
  }) {
    this.session = options.session;
    this.index = options.index;
    this.session.onTable = (table) => this.#pool?.broadcast({ type: "table", table });
    this.progress = options.progress;
    this.#reporter = options.reporter;
    this.#threads = options.threads;
    this.#changes = options.changes;
    this.young = options.young;
    this.reread = options.reread;
  }

  /** Whether no further file may be given to threads until something is done. */
  get mustWait(): boolean {
    return this.#dispatcher !== undefined && (this.#dispatcher.full || this.session.packs.busy);
  }

  /** Takes the next source. Threads start with the first file that is to be read, and stay while sources are read alike. */
  async useImporter(importer: Importer): Promise<void> {
    if (this.#importer !== undefined && !isDeepStrictEqual(this.#importer.content, importer.content))
      await this.finishContent();
    this.#importer = importer;
  }
  #importer: Importer | undefined;

  /** Gives a file to the threads; `onDone` is called when its entry is filled. */
  readContent(item: QueuedEntry, record: ScanRecord, onDone: () => void): void {
    this.#completions.set(item.entry, onDone);
    this.#paths.set(item.entry, record.path);
    this.#start().add(item, record);
  }
  readonly #paths = new Map<object, string>();

  /** Sends what has been given so far. */
  sendBatch(): void {
    this.#dispatcher?.send();
  }

  /** Marks the segment of a chunk as needed. @returns false when no state tells of the chunk */
  markChunk(ids: Uint8Array, offset: number): boolean {
    const segment = this.session.repository.index.findSegment(ids, offset);
    if (segment < 0) return false;
    this.session.references.mark(segment);
    return true;
  }

  /** Marks the segment of a tree node or list as needed. */
  markNode(id: Uint8Array): void {
    this.markChunk(id, 0);
  }

  /** Tells of something that does not keep the backup from being whole. */
  warn(message: string): void {
    this.#reporter.notice({ level: "warning", message });
  }

  /** Notes that an unchanged file was read. */
  noteReread(path: string, isSame: boolean): void {
    this.counts.reread++;
    if (isSame) return;
    this.counts.differing++;
    const message =
      "Its content is not what was backed up, though its times and size are the same. The new content was stored.";
    this.#list({ path, kind: "differs", message });
    this.#reporter.notice({ level: "warning", message, path });
  }

  /** Records that something of the source could not be read. */
  addError(problem: ScanProblem): void {
    this.counts.errors++;
    this.progress.errors++;
    this.#list(problem);
    this.#reporter.entryError(problem);
  }

  #list({ path, kind, message }: ScanProblem): void {
    // A char of a path is a byte, one of other text at most three.
    this.#listedBytes += path.length + 3 * (kind.length + message.length) + 64;
    if (this.#listedBytes <= listedErrorBytes) this.errors.push({ path, kind, message });
  }
  #listedBytes = 0;

  /** @throws what a thread or an upload threw, or interrupted */
  checkStopped(): void {
    this.#changes.check();
  }

  /**
   * Returns once `step` returns true; between its tries threads and uploads go on.
   *
   * @param step - as of `ChangeSignal.until`
   * @throws as `checkStopped`
   */
  until(step: () => boolean | Promise<boolean>): Promise<void> {
    return this.#changes.until(step, () => {
      if (this.#dispatcher?.full === false) this.#dispatcher.send();
      return (this.#pool?.outstanding ?? 0) > 0 || this.session.packs.isStoring;
    });
  }

  /** Lets the threads seal what they hold and begins to end them. @returns index rows that they kept themselves */
  async finishContent(): Promise<readonly Uint8Array[]> {
    const pool = this.#pool;
    if (pool !== undefined) {
      for (let index = 0; index < pool.size; index++) pool.post(index, { type: "flush" });
      await this.until(() => pool.outstanding === 0);
      this.#endThreads();
    }
    return this.#overflowRows;
  }

  /** Ends the threads, and waits until they have. */
  async close(): Promise<void> {
    this.#endThreads();
    await this.#ended;
  }

  #endThreads(): void {
    const pool = this.#pool;
    this.#pool = undefined;
    this.#dispatcher = undefined;
    if (pool === undefined) return;
    this.#ended = Promise.all([this.#ended, pool.close()]);
    this.#ended.catch(() => undefined); // whoever waits for it is told
  }
  #ended: Promise<unknown> = Promise.resolve();

  #start(): ContentDispatcher {
    if (this.#dispatcher !== undefined) return this.#dispatcher;
    const { session } = this;
    const { repository } = session;
    const importer = this.#importer;
    if (importer === undefined) throw new HoldfastError("internal", "Cannot read content: there is no source");
    // The index of the session grows while threads are at work.
    const workerData = (): BackupWorkerData => ({
      contentModuleUrl: importer.content.moduleUrl,
      contentOptions: importer.content.options,
      chunker: repository.config.chunker,
      segmentBytes: repository.config.segmentBytes,
      level: repository.config.compression.level,
      storeId: repository.storeIdBytes,
      idKey: repository.requireKey("idKey"),
      chunkKey: repository.requireKey("chunkKey"),
      indexKey: repository.requireKey("indexKey"),
      sessionKey: session.sessionKey,
      verify: true,
      indexRuns: repository.index.runRows,
      sessionTables: session.sessionIndex.tables,
      ordinalCounter: session.ordinalCounter,
    });
    const pool = new WorkerPool<ToBackupWorker, FromBackupWorker>({
      moduleUrl: new URL("./backup-worker.ts", import.meta.url),
      threads: this.#threads,
      workerData,
      onMessage: (message, worker) => this.#take(message, worker),
      onFailure: this.#changes.fail,
    });
    this.#pool = pool;
    this.#dispatcher = new ContentDispatcher({
      pool,
      markSegment: (ordinal) => session.references.mark(ordinal),
      writeList: (rows) => session.writeNode(encodeChunkList(rows)),
      onOutcome: (outcome) => this.#finishFile(outcome),
    });
    return this.#dispatcher;
  }

  #take(message: FromBackupWorker, worker: number): void {
    try {
      switch (message.type) {
        case "ready":
          break;
        case "segment":
          this.session.addSegment(message);
          break;
        case "partial":
          this.#dispatcher?.takePartial(message);
          break;
        case "bytes":
          this.progress.bytesDone += message.bytes;
          this.progress.currentPath = message.path;
          break;
        case "result":
          this.#dispatcher?.takeResult(message);
          this.counts.newBytes += message.newBytes;
          this.counts.knownBytes += message.knownBytes;
          this.progress.bytesReused += message.knownBytes;
          this.#growIndex();
          break;
        case "flushed":
          this.#overflowRows.push(message.overflowRows);
          this.#pool?.done(worker);
          break;
      }
      this.progress.bytesStored = this.session.packs.storedBytes;
    } catch (error) {
      this.#changes.fail(error);
    }
    this.#changes.notify();
  }

  #growIndex(): void {
    const table = this.session.sessionIndex.grown();
    if (table !== undefined) this.session.growIndex(table);
  }

  #finishFile(outcome: ContentOutcome): void {
    const { entry, error, problems } = outcome;
    const path = this.#paths.get(entry) ?? entry.name;
    if (entry.xattrs !== undefined) this.#importer?.noteAttributes?.(entry.xattrs);
    if (error === undefined) this.counts.changed++;
    else this.addError({ path, kind: error.kind, message: error.message });
    for (const message of problems) this.addError({ path, kind: "metadata", message });
    if (entry.changed) {
      this.counts.changedWhileRead++;
      this.#list({ path, kind: "changed", message: "The file changed while it was read." });
      this.#reporter.notice({ level: "warning", message: "The file changed while it was read.", path });
    }
    this.#completions.get(entry)?.();
    this.#completions.delete(entry);
    this.#paths.delete(entry);
    if (entry.size <= 16 * 1024 * 1024) this.progress.bytesDone += entry.size;
  }
}
