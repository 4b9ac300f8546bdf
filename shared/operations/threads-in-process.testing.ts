import { EventEmitter } from "node:events";
import type * as threads from "node:worker_threads";

type Message = unknown;

/**
 * A stand-in for `node:worker_threads` that runs the workers of check in this thread, for tests that start thousands of them, and all others in
 * threads of their own. The worker module is loaded once, so all checks must be given the same `workerData`.
 */
export function checksInProcess(actual: typeof threads) {
  let reply: ((message: Message) => void) | undefined;
  let data: unknown;
  const handlers: ((message: Message) => void)[] = [];

  class InProcessWorker extends EventEmitter {
    readonly #loaded: Promise<unknown>;
    #ended = false;

    constructor(_url: URL, options: { readonly workerData: unknown }) {
      super();
      data = options.workerData;
      reply = (message) => void this.emit("message", message);
      this.#loaded = import("./check/check-worker.ts");
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
    ...actual,
    Worker: new Proxy(actual.Worker, {
      construct: (target, args: ConstructorParameters<typeof actual.Worker>) =>
        Reflect.construct(String(args[0]).endsWith("check-worker.ts") ? InProcessWorker : target, args),
    }),
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
