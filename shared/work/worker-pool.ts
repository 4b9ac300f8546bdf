import type { Worker } from "node:worker_threads";
import { HoldfastError } from "#shared/errors.ts";
import { endThread, startThread } from "./start-thread.ts";

/** The nursery of a thread: what threads make that is small is dropped at once, and with a thread for each core large ones add up. */
const maxYoungGenerationSizeMb = 3;

/** What a pool is made of. */
export type WorkerPoolOptions<FromWorker> = {
  readonly moduleUrl: URL;
  /** Threads at most. */
  readonly threads: number;
  /** What a thread that is started now begins with. */
  readonly workerData: () => unknown;
  readonly onMessage: (message: FromWorker, worker: number) => void;
  readonly onFailure: (error: unknown) => void;
};

/**
 * Worker threads of one kind that take messages in turn. A thread is started when all those that there are have something to do: what is
 * little does not wait until as many as there are processors have begun. A thread that fails fails the pool: `onFailure` is told.
 */
export class WorkerPool<ToWorker, FromWorker> {
  readonly #workers: { readonly worker: Worker; outstanding: number }[] = [];
  readonly #options: WorkerPoolOptions<FromWorker>;
  #closing = false;

  constructor(options: WorkerPoolOptions<FromWorker>) {
    this.#options = options;
  }

  /** Threads that were started. */
  get size(): number {
    return this.#workers.length;
  }

  /** Messages that threads have been given and not reported done. */
  get outstanding(): number {
    return this.#workers.reduce((sum, each) => sum + each.outstanding, 0);
  }

  /** The thread with the least to do; where each has something, one that `post` starts, while there may be more. */
  get idlest(): number {
    let idlest = 0;
    for (let index = 1; index < this.#workers.length; index++)
      if (this.outstandingOf(index) < this.outstandingOf(idlest)) idlest = index;
    const isIdle = this.#workers.length > 0 && this.outstandingOf(idlest) === 0;
    return isIdle || this.#workers.length >= this.#options.threads ? idlest : this.#workers.length;
  }

  /** Messages outstanding at one thread. */
  outstandingOf(index: number): number {
    return this.#workers[index]?.outstanding ?? 0;
  }

  /** Posts a message that the thread will answer, and counts it until `done`. */
  post(index: number, message: ToWorker, transfer: ArrayBuffer[] = []): void {
    if (index === this.#workers.length && index < this.#options.threads) this.#start(index);
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

  #start(index: number): void {
    const { moduleUrl, workerData, onMessage, onFailure } = this.#options;
    const resourceLimits = { maxYoungGenerationSizeMb };
    const worker = startThread(moduleUrl, { workerData: workerData(), stdout: false, stderr: false, resourceLimits });
    this.#workers.push({ worker, outstanding: 0 });
    worker.on("message", (message: FromWorker) => onMessage(message, index));
    worker.on("error", (error) => onFailure(error));
    worker.on("exit", (code) => {
      if (!this.#closing) onFailure(new HoldfastError("internal", `A worker thread ended with code ${code}`));
    });
  }
}
