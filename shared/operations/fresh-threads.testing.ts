import { EventEmitter } from "node:events";
import type * as threads from "node:worker_threads";

type Handler = (message: unknown) => void;

/**
 * A stand-in for `node:worker_threads` that runs the workers of backup and check in this thread, each with a module of its own: for tests that
 * start hundreds of them with different data, which would take minutes. The modules read `parentPort` and `workerData` before they await
 * anything.
 */
export function freshThreads(actual: typeof threads) {
  let port: { on(event: "message", handler: Handler): void; postMessage(message: unknown): void } | undefined;
  let data: unknown;
  let loads = 0;
  let lastLoad: Promise<unknown> = Promise.resolve();

  class FreshWorker extends EventEmitter {
    readonly #handlers: Handler[] = [];
    readonly #loaded: Promise<unknown>;
    #ended = false;

    constructor(url: URL, options: { readonly workerData: unknown }) {
      super();
      this.#loaded = lastLoad.then(() => {
        port = {
          on: (_event, handler) => void this.#handlers.push(handler),
          postMessage: (message) => void setImmediate(() => this.#ended || this.emit("message", message)),
        };
        data = options.workerData;
        loads++;
        return url.pathname.endsWith("/backup-worker.ts")
          ? import(/* @vite-ignore */ `./backup/backup-worker.ts?${loads}`)
          : import(/* @vite-ignore */ `./check/check-worker.ts?${loads}`);
      });
      lastLoad = this.#loaded.catch((error: unknown) => this.emit("error", error));
    }

    postMessage(message: unknown): void {
      void this.#loaded.then(() => {
        if (!this.#ended) for (const handler of this.#handlers) handler(message);
      });
    }

    terminate(): Promise<number> {
      this.#ended = true;
      return Promise.resolve(0);
    }
  }

  return {
    ...actual,
    Worker: FreshWorker,
    get parentPort() {
      return port;
    },
    get workerData() {
      return data;
    },
  };
}
