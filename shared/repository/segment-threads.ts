import type { Worker } from "node:worker_threads";
import { type ErrorKind, HoldfastError } from "#shared/errors.ts";
import { endThread, startThread } from "#shared/work/start-thread.ts";
import type { ChunkOpener } from "./blob-reader.ts";
import type { SegmentKeys } from "./segment-opener.ts";
import { releaseBytes } from "./release-bytes.ts";
import { SegmentOpener } from "./segment-opener.ts";

/** What a thread is asked for: its `sealed` is moved there. */
export type SegmentTask = {
  readonly taskId: number;
  readonly sealed: Uint8Array<ArrayBuffer>;
  readonly keys: SegmentKeys;
};

/** What a thread answers: the plaintext, or why there is none. */
export type SegmentAnswer =
  | { readonly taskId: number; readonly plain: Uint8Array<ArrayBuffer> }
  | {
      readonly taskId: number;
      readonly failure: {
        readonly kind: ErrorKind;
        readonly message: string;
        readonly detail: HoldfastError["detail"];
      };
    };

type Waiting = {
  readonly resolve: (plain: Uint8Array<ArrayBuffer>) => void;
  readonly reject: (error: unknown) => void;
};
type Thread = { readonly worker: Worker; readonly waiting: Map<number, Waiting>; isReady: boolean };

/**
 * Opens segments in threads of its own, so that the thread of the caller is free for others meanwhile.
 *
 * The threads are started by the first call. Until one is ready, and when all have failed, segments are opened in the thread of the caller.
 * The threads do not keep a process alive but while somebody waits for them.
 *
 * Memory: what the callers hand over, and what becomes of it; a dozen megabytes a thread.
 */
export class SegmentThreads implements ChunkOpener {
  readonly #wanted: number;
  readonly #opener = new SegmentOpener();
  readonly #threads: Thread[] = [];
  #isStarted = false;
  #nextTaskId = 1;

  /** @param threads - how many; none: all is done in the thread of the caller */
  constructor(threads: number) {
    this.#wanted = threads;
  }

  /** Starts the threads, if that was not done yet. */
  start(): void {
    if (this.#isStarted) return;
    this.#isStarted = true;
    for (let started = 0; started < this.#wanted; started++) this.#start();
  }

  /** Threads that can be given work now. */
  get readyThreads(): number {
    return this.#threads.filter(({ isReady }) => isReady).length;
  }

  /**
   * The plaintext of a segment, in memory that nothing else uses. Takes `sealed` away.
   *
   * @throws {HoldfastError} corrupt: it does not authenticate or decode; internal: its thread ended
   */
  async open(sealed: Uint8Array<ArrayBuffer>, keys: SegmentKeys): Promise<Uint8Array<ArrayBuffer>> {
    this.start();
    const thread = this.#idlest();
    if (thread === undefined) {
      try {
        return this.#opener.openOwned(sealed, keys);
      } finally {
        releaseBytes(sealed);
      }
    }
    const taskId = this.#nextTaskId++;
    return new Promise((resolve, reject) => {
      thread.waiting.set(taskId, { resolve, reject });
      thread.worker.ref();
      const task: SegmentTask = { taskId, sealed, keys };
      thread.worker.postMessage(task, [sealed.buffer]);
    });
  }

  /** Ends the threads. Who waits for one is told that it ended; later calls are served by the thread of the caller. */
  async close(): Promise<void> {
    this.#isStarted = true;
    await Promise.all(this.#threads.map(({ worker }) => endThread(worker)));
  }

  #idlest(): Thread | undefined {
    let idlest: Thread | undefined;
    for (const thread of this.#threads) {
      if (thread.isReady && thread.waiting.size < (idlest?.waiting.size ?? Infinity)) idlest = thread;
    }
    return idlest;
  }

  #start(): void {
    const worker = startThread(new URL("./segment-thread.ts", import.meta.url), { stdout: false, stderr: false });
    const thread: Thread = { worker, waiting: new Map(), isReady: false };
    this.#threads.push(thread);
    worker.unref();
    worker.on("message", (message: SegmentAnswer | "ready") => {
      if (message === "ready") thread.isReady = true;
      else take(thread, message);
    });
    worker.on("error", (cause) => this.#lose(thread, cause));
    worker.on("exit", (code) => this.#lose(thread, new Error(`It ended with code ${code}`)));
  }

  #lose(thread: Thread, cause: unknown): void {
    const at = this.#threads.indexOf(thread);
    if (at >= 0) this.#threads.splice(at, 1);
    for (const { reject } of thread.waiting.values()) {
      reject(new HoldfastError("internal", "Cannot open a segment: the thread that opens it ended", { cause }));
    }
    thread.waiting.clear();
  }
}

function take({ worker, waiting }: Thread, answer: SegmentAnswer): void {
  const waiter = waiting.get(answer.taskId);
  waiting.delete(answer.taskId);
  if (waiting.size === 0) worker.unref();
  if ("plain" in answer) waiter?.resolve(answer.plain);
  else {
    const { kind, message, detail } = answer.failure;
    waiter?.reject(new HoldfastError(kind, message, { detail }));
  }
}
