import { parentPort, workerData } from "node:worker_threads";

/* A thread for tests: answers every message with it and with what the thread began with; `end` ends it, `throw` fails it. */
parentPort?.on("message", (message: string) => {
  if (message === "end") parentPort?.close();
  if (message === "throw") throw new Error("thrown on purpose");
  parentPort?.postMessage({ message, begunWith: workerData as number });
});
