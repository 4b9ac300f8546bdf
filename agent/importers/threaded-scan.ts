import { Worker } from "node:worker_threads";
import type { ScanBlock, ScanProblem } from "#shared/connectors/importer.ts";
import { HoldfastError } from "#shared/errors.ts";
import { type ScanBatch, unpackBatch } from "./scan-batch.ts";
import type { FromScanWorker, ScanWorkerData } from "./scan-messages.ts";

/** Batches of at most half a mebibyte that a scan may be ahead. */
const batchesAhead = 8;

/**
 * A scan in a thread of its own, which runs ahead of whoever uses its records; it begins at once.
 *
 * Memory: `batchesAhead` batches.
 */
export class ThreadedScan {
  /** The owners and groups that were met, once it has ended. */
  uids: readonly number[] = [];
  gids: readonly number[] = [];
  /** The blocks whose records it leaves out. */
  readonly known: Uint8Array | undefined;
  readonly #root: string;
  readonly #worker: Worker;
  readonly #credit: Int32Array;
  readonly #batches: ScanBatch[] = [];
  #ended = false;
  #failure: Error | undefined;
  #wake: (() => void) | undefined;
  #begin: () => void = () => undefined;
  /** Resolves with the first message of the thread, or its end. */
  readonly #begun = new Promise<void>((resolve) => {
    this.#begin = resolve;
  });

  constructor(options: Omit<ScanWorkerData, "credits">) {
    this.#root = options.root;
    this.known = options.known;
    const credits = new SharedArrayBuffer(4);
    this.#credit = new Int32Array(credits);
    this.#credit[0] = batchesAhead;
    const workerData: ScanWorkerData = { ...options, credits };
    this.#worker = new Worker(new URL("./scan-worker.ts", import.meta.url), { workerData });
    this.#worker.on("message", (message: FromScanWorker) => this.#take(message));
    this.#worker.on("error", (error) => this.#end(error instanceof Error ? error : new Error(String(error))));
    this.#worker.on("exit", () => this.#end(undefined));
    // A scan that nobody waits for must not keep the process alive.
    this.#worker.unref();
  }

  /** The blocks in order, batch by batch; the record is one object, reused. Ends the thread when it is left early. */
  async *batches(onProblem: (problem: ScanProblem) => void): AsyncGenerator<Iterable<ScanBlock>> {
    this.#worker.ref();
    try {
      for (;;) {
        const batch = this.#batches.shift();
        if (batch !== undefined) {
          for (const problem of batch.problems) onProblem(problem);
          yield unpackBatch(batch, this.#root);
          Atomics.add(this.#credit, 0, 1);
          Atomics.notify(this.#credit, 0);
          continue;
        }
        if (this.#failure !== undefined) throw this.#failure;
        if (this.#ended) return;
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
      }
    } finally {
      await this.close();
    }
  }

  /** Ends the thread, not before it has begun in earnest: ended while it loads native code it would take the process along. */
  async close(): Promise<void> {
    this.#ended = true;
    this.#worker.ref();
    await this.#begun;
    await this.#worker.terminate();
  }

  #take(message: FromScanWorker): void {
    this.#begin();
    if (message.type === "batch") this.#batches.push(message.batch);
    else if (message.type === "end") {
      this.uids = message.uids;
      this.gids = message.gids;
      this.#ended = true;
    } else {
      const { kind, message: text, detail, hint } = message.error;
      this.#failure = new HoldfastError(kind, text, { detail, ...(hint === undefined ? {} : { hint }) });
    }
    this.#wakeUp();
  }

  #end(failure: Error | undefined): void {
    this.#begin();
    if (failure !== undefined) this.#failure ??= failure;
    else if (!this.#ended && this.#failure === undefined)
      this.#failure = new HoldfastError("internal", "The scan ended before its end");
    this.#wakeUp();
  }

  #wakeUp(): void {
    const wake = this.#wake;
    this.#wake = undefined;
    wake?.();
  }
}
