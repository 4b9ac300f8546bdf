import { EventEmitter } from "node:events";

type Message = unknown;

/**
 * A stand-in for `node:worker_threads` that runs worker modules in this thread: for tests that start thousands of them. A worker
 * module is loaded once, so all workers of one module must be given the same `workerData`.
 *
 * @param load - imports the worker module of a name; a module stays loaded
 */
export function threadsInProcess(load: (name: string) => Promise<unknown>) {
  let reply: ((message: Message) => void) | undefined;
  let data: unknown;
  const handlers: ((message: Message) => void)[] = [];

  class InProcessWorker extends EventEmitter {
    readonly #loaded: Promise<unknown>;
    #ended = false;

    constructor(url: URL, options: { readonly workerData: unknown }) {
      super();
      data = options.workerData;
      reply = (message) => void this.emit("message", message);
      this.#loaded = load(url.pathname.slice(url.pathname.lastIndexOf("/") + 1));
    }

    postMessage(message: Message): void {
      void this.#loaded.then(() => {
        if (!this.#ended) for (const handler of handlers) handler(message);
      });
    }

    terminate(): Promise<number> {
      this.#ended = true;
      return Promise.resolve(0);
    }
  }

  return {
    Worker: InProcessWorker,
    parentPort: {
      on: (_event: "message", handler: (message: Message) => void) => void handlers.push(handler),
      postMessage(message: Message) {
        const replyToNewest = reply;
        setImmediate(() => replyToNewest?.(message));
      },
    },
    get workerData() {
      return data;
    },
  };
}
