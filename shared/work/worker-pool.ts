import type { Worker } from "node:worker_threads";
import { HoldfastError } from "#shared/errors.ts";
import { endThread, startThread } from "./start-thread.ts";

/** The nursery of a thread: what threads make that is small is dropped at once, and with a thread for each core large ones add up. */
const maxYoungGenerationSizeMb = 3;

/**
 * Worker threads of one kind that take messages in turn. A thread that fails fails the pool: `failure` is then set and
 * `onFailure` told.
 */
export class WorkerPool<ToWorker, FromWorker> {
  readonly #workers: { readonly worker: Worker; outstanding: number }[] = [];
  readonly #onMessage: (message: FromWorker, worker: number) => void;
  readonly #onFailure: (error: unknown) => void;
  #closing = false;

  constructor(options: {
    readonly moduleUrl: URL;
    readonly threads: number;
    readonly workerData: unknown;
    readonly onMessage: (message: FromWorker, worker: number) => void;
    readonly onFailure: (error: unknown) => void;
  }) {
    this.#onMessage = options.onMessage;
    this.#onFailure = options.onFailure;
    for (let index = 0; index < options.threads; index++) this.#start(index, options.moduleUrl, options.workerData);
  }

  /** Threads. */
  get size(): number {
    return this.#workers.length;
  }

  /** Messages that threads have been given and not reported done. */
  get outstanding(): number {
    return this.#workers.reduce((sum, each) => sum + each.outstanding, 0);
  }

  /** The thread with the least to do. */
  get idlest(): number {
    let idlest = 0;
    for (let index = 1; index < this.#workers.length; index++) {
      if ((this.#workers[index]?.outstanding ?? 0) < (this.#workers[idlest]?.outstanding ?? 0)) idlest = index;
    }
    return idlest;
  }

  /** Messages outstanding at one thread. */
  outstandingOf(index: number): number {
    return this.#workers[index]?.outstanding ?? 0;
  }

  /** Posts a message that the thread will answer, and counts it until `done`. */
  post(index: number, message: ToWorker, transfer: ArrayBuffer[] = []): void {
    const each = this.#workers[index];
    if (each === undefined) throw new HoldfastError("internal", `Cannot post to thread ${index}`);
    each.outstanding++;
    each.worker.postMessage(message, transfer);
  }

  /** Counts a message of a thread as done. */
  done(index: number): void {
    const each = this.#workers[index];
    if (each !== undefined) each.outstanding--;
  }

  /** Posts a message that needs no answer to every thread. */
  broadcast(message: ToWorker): void {
    for (const { worker } of this.#workers) worker.postMessage(message);
  }

  /** Ends the threads. */
  async close(): Promise<void> {
    this.#closing = true;
    await Promise.all(this.#workers.map(({ worker }) => endThread(worker)));
  }

  #start(index: number, moduleUrl: URL, workerData: unknown): void {
    const resourceLimits = { maxYoungGenerationSizeMb };
    const worker = startThread(moduleUrl, { workerData, stdout: false, stderr: false, resourceLimits });
    this.#workers.push({ worker, outstanding: 0 });
    worker.on("message", (message: FromWorker) => this.#onMessage(message, index));
    worker.on("error", (error) => this.#onFailure(error));
    worker.on("exit", (code) => {
      if (!this.#closing) this.#onFailure(new HoldfastError("internal", `A worker thread ended with code ${code}`));
    });
  }
}
