import type { Exporter, ExportProblem } from "#shared/connectors/exporter.ts";
import { HoldfastError, isHoldfastError } from "#shared/errors.ts";
import { blobCopies } from "#shared/repository/blob-copies.ts";
import type { Repository } from "#shared/repository/repository.ts";
import { ChangeSignal } from "#shared/work/change-signal.ts";
import { WorkerPool } from "#shared/work/worker-pool.ts";
import type { Piece, PlannedFile } from "./content-window.ts";
import { type PlannedRange, planRanges, splitRange } from "./plan-ranges.ts";
import { buildTask } from "./build-task.ts";
import type { FromRestoreWorker, RestoreWorkerData, ToRestoreWorker } from "./worker-messages.ts";

/** Requests in flight at most, and pieces that they are for: those of small files take more memory than their bytes. */
const inFlightRangesMax = 32;
const inFlightPiecesMax = 8192;

/** Told what becomes of files. */
export type ContentOutcomes = {
  /** A file is whole. */
  restored(file: PlannedFile): void;
  /** A file could not be restored; told once a file. */
  failed(file: PlannedFile, failure: { readonly kind: string; readonly message: string } | HoldfastError): void;
  /** An attribute of a file could not be restored. */
  problem(path: string, problem: ExportProblem): void;
  /** Sealed bytes came from the store. */
  fetched(bytes: number): void;
};

/**
 * Fetches planned ranges, many at once, and has threads open them and write what is in them.
 *
 * Memory: `inFlightBytes` of sealed bytes, and one opened segment a thread.
 */
export class ContentRestorer {
  readonly #repository: Repository;
  readonly #exporter: Exporter;
  readonly #outcomes: ContentOutcomes;
  readonly #threads: number;
  readonly #inFlightBytesMax: number;
  readonly #changes: ChangeSignal;
  readonly #tasks = new Map<
    number,
    { readonly range: PlannedRange; readonly files: readonly PlannedFile[]; readonly worker: number }
  >();
  #pool: WorkerPool<ToRestoreWorker, FromRestoreWorker> | undefined;
  #inFlightBytes = 0;
  #inFlightPieces = 0;
  #inFlight = 0;
  #nextTaskId = 1;
  #isClosing = false;
  #hasLostThread = false;

  constructor(options: {
    readonly repository: Repository;
    readonly exporter: Exporter;
    readonly outcomes: ContentOutcomes;
    readonly threads: number;
    /** Sealed bytes that are fetched or being worked on at most: what fills the line while threads work. */
    readonly inFlightBytes: number;
    readonly signal: AbortSignal | undefined;
  }) {
    this.#inFlightBytesMax = options.inFlightBytes;
    this.#repository = options.repository;
    this.#exporter = options.exporter;
    this.#outcomes = options.outcomes;
    this.#threads = options.threads;
    this.#changes = new ChangeSignal(
      options.signal,
      () => new HoldfastError("interrupted", "The restore was interrupted: what is in the target is not whole"),
    );
  }

  /** Begins to load the threads, which takes as long as planning what they do first. */
  prepare(): void {
    this.#threadPool();
  }

  /** Sets a range on its way, once there is room. */
  async submit(range: PlannedRange): Promise<void> {
    await this.#until(() => this.#inFlight === 0 || this.#hasRoomFor(range));
    this.#begin(range);
  }

  #hasRoomFor(range: PlannedRange): boolean {
    return (
      this.#inFlight < inFlightRangesMax &&
      this.#inFlightBytes + range.lengthBytes <= this.#inFlightBytesMax &&
      this.#inFlightPieces + range.pieces.length <= inFlightPiecesMax
    );
  }

  #begin(range: PlannedRange): void {
    this.#inFlight++;
    this.#inFlightBytes += range.lengthBytes;
    this.#inFlightPieces += range.pieces.length;
    this.#run(range).catch(this.#changes.fail);
  }

  /** Waits until all that was submitted is done. */
  async drain(): Promise<void> {
    await this.#until(() => this.#inFlight === 0);
  }

  #until(isDone: () => boolean): Promise<void> {
    return this.#changes.until(isDone, () => this.#inFlight > 0);
  }

  /** Ends the threads, once they have done what they have: a file that is being written becomes whole. */
  async close(): Promise<void> {
    this.#isClosing = true;
    await this.#changes.outlast(
      () => this.#tasks.size === 0,
      () => !this.#hasLostThread,
    );
    await this.#pool?.close();
  }

  /** Tells that all pieces of a file have been planned. */
  planned(file: PlannedFile): void {
    file.planned = true;
    this.#finishIfDone(file);
  }

  async #run(range: PlannedRange): Promise<void> {
    let bytes: Uint8Array<ArrayBuffer> = new Uint8Array(0);
    const keys: Uint8Array[] = [];
    const first = range.places[0];
    try {
      for (const place of range.places) keys.push(await this.#repository.sessionKeys.key(place.sessionId));
      if (first !== undefined) {
        bytes = await this.#repository.fetcher.fetch(first, range.lengthBytes);
        this.#outcomes.fetched(bytes.byteLength);
      }
    } catch (error) {
      if (!isHoldfastError(error, "absent", "corrupt", "unavailable", "denied")) throw error;
      if (error.kind === "absent") for (const each of splitRange(range)) await this.#beginElsewhere(each, error);
      // Of a pack that is cut short the segments that are there are read one by one.
      else if (error.kind === "corrupt" && range.places.length > 1)
        for (const each of splitRange(range)) this.#begin(each);
      else for (const piece of range.pieces) this.#failPiece(piece, error);
      this.#release(range);
      return;
    }
    if (this.#isClosing) return;
    const pool = this.#threadPool();
    const taskId = this.#nextTaskId++;
    const { task, files } = buildTask(taskId, range, bytes, keys);
    const worker = pool.idlest;
    this.#tasks.set(taskId, { range, files, worker });
    pool.post(worker, task, bytes.byteLength > 0 ? [bytes.buffer] : []);
  }

  /** Sets the pieces of one segment on their way again, from where it was moved to, when its pack is missing. */
  async #beginElsewhere(range: PlannedRange, missing: HoldfastError): Promise<void> {
    const { segments, fetcher } = this.#repository;
    const ordinal = range.places[0]?.ordinal ?? -1;
    try {
      await fetcher.tryElsewhere(ordinal, missing);
    } catch (error) {
      if (!isHoldfastError(error, "corrupt", "unavailable")) throw error;
      for (const piece of range.pieces) this.#failPiece(piece, error);
      return;
    }
    const segment = segments.current(ordinal);
    const pieces = range.pieces.map((piece) => ({ ...piece, segment }));
    for (const moved of planRanges(pieces, segments)) this.#begin(moved);
  }

  #take(message: FromRestoreWorker): void {
    const task = this.#tasks.get(message.taskId);
    if (task === undefined) return;
    this.#tasks.delete(message.taskId);
    this.#pool?.done(task.worker);
    const failures = new Map(message.failures.map((failure) => [failure.piece, failure]));
    for (const { file, ...problem } of message.problems) {
      const planned = task.files[file];
      if (planned !== undefined) this.#outcomes.problem(planned.path, problem);
    }
    for (const [index, piece] of task.range.pieces.entries()) {
      const failure = failures.get(index);
      if (failure === undefined) this.#pieceDone(piece.file);
      else
        this.#failPiece(piece, { kind: failure.errno === "" ? failure.kind : failure.errno, message: failure.message });
    }
    this.#release(task.range);
  }

  /** Takes a damaged piece from another copy of it, if there is one; else its file has failed. */
  #failPiece(piece: Piece, failure: { readonly kind: string; readonly message: string } | HoldfastError): void {
    const copy = failure.kind === "corrupt" && !piece.file.failed ? this.#otherCopy(piece) : undefined;
    if (copy !== undefined) {
      for (const range of planRanges([copy], this.#repository.segments)) this.#begin(range);
      return;
    }
    this.#failFile(piece.file, failure);
    this.#pieceDone(piece.file);
  }

  /** The copy of a piece that comes after the one at hand, the latest being the first. */
  #otherCopy(piece: Piece): Piece | undefined {
    const { index, segments } = this.#repository;
    const now = segments.current(piece.segment);
    let isPast = false;
    for (const { segment, offsetBytes, lengthBytes } of blobCopies(index, segments, piece.ids, piece.idAt)) {
      if (isPast && lengthBytes === piece.lengthBytes) return { ...piece, segment, offsetBytes };
      if (segment === now && offsetBytes === piece.offsetBytes) isPast = true;
    }
    return undefined;
  }

  #pieceDone(file: PlannedFile): void {
    file.remaining--;
    this.#finishIfDone(file);
  }

  #finishIfDone(file: PlannedFile): void {
    if (!file.planned || file.remaining > 0) return;
    if (file.opened !== undefined) {
      try {
        if (file.failed) this.#exporter.abandonFile(file.opened);
        else for (const problem of this.#exporter.finishFile(file.opened)) this.#outcomes.problem(file.path, problem);
      } catch (error) {
        if (!isHoldfastError(error)) throw error;
        this.#failFile(file, error);
      }
    }
    if (!file.failed) this.#outcomes.restored(file);
  }

  #failFile(file: PlannedFile, failure: { readonly kind: string; readonly message: string } | HoldfastError): void {
    if (file.failed) return;
    file.failed = true;
    this.#outcomes.failed(file, failure);
  }

  #release(range: PlannedRange): void {
    this.#inFlight--;
    this.#inFlightBytes -= range.lengthBytes;
    this.#inFlightPieces -= range.pieces.length;
    this.#changes.notify();
  }

  #threadPool(): WorkerPool<ToRestoreWorker, FromRestoreWorker> {
    if (this.#pool !== undefined) return this.#pool;
    const workerData: RestoreWorkerData = {
      storeId: this.#repository.storeIdBytes,
      idKey: this.#repository.requireKey("idKey"),
      contentModuleUrl: this.#exporter.content.moduleUrl,
      contentOptions: this.#exporter.content.options,
    };
    this.#pool = new WorkerPool({
      moduleUrl: new URL("./restore-worker.ts", import.meta.url),
      threads: this.#threads,
      workerData: () => workerData,
      onMessage: (message: FromRestoreWorker) => {
        try {
          this.#take(message);
        } catch (error) {
          this.#changes.fail(error);
        }
      },
      onFailure: (error) => {
        this.#hasLostThread = true;
        this.#changes.fail(error);
      },
    });
    return this.#pool;
  }
}
