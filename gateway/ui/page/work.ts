import type { WorkRequest } from "./worker.ts";

/** Milliseconds after which work is given up: a hostile text could keep a highlighter busy for ever. */
const patienceMs = 4000;

/** Makes an address of a script trusted where the browser asks for that: the one policy that there is, for the one address there is. */
type TrustedTypes = {
  createPolicy(name: string, rules: { createScriptURL(url: string): string }): { createScriptURL(url: string): string };
};
const { trustedTypes } = globalThis as { trustedTypes?: TrustedTypes };
const policy = trustedTypes?.createPolicy("holdfast", {
  createScriptURL(url) {
    if (url !== "worker.js") throw new TypeError("There is one worker.");
    return url;
  },
});

/** Has something done in another thread of its own. @throws {Error} it failed, took too long, or was broken off */
export function askWorker<Result>(request: WorkRequest, signal: AbortSignal): Promise<Result> {
  return new Promise((resolve, reject) => {
    const worker = new Worker(policy?.createScriptURL("worker.js") ?? "worker.js");
    const end = (): void => {
      worker.terminate();
      clearTimeout(timer);
    };
    const fail = (message: string): void => {
      end();
      reject(new Error(message));
    };
    const timer = setTimeout(() => fail("It took too long."), patienceMs);
    signal.addEventListener("abort", () => fail("It was broken off."));
    worker.addEventListener("message", ({ data }: MessageEvent<Result>) => {
      end();
      resolve(data);
    });
    worker.addEventListener("error", () => fail("It failed."));
    worker.postMessage(request);
  });
}
