import type { Worker } from "node:worker_threads";
import { startThread } from "#shared/work/start-thread.ts";
import type { ScanWorkerData } from "./scan-messages.ts";

let spare: Worker | undefined;

/** Begins to load a thread that scans, for the next scan to take: that takes as long as all else that a run loads. It keeps no process alive. */
export function prepareScanThread(): void {
  spare ??= loadThread();
}

/** A thread that scans what `data` says. */
export function startScanThread(data: ScanWorkerData): Worker {
  const worker = spare ?? loadThread();
  spare = undefined;
  worker.removeAllListeners("error");
  worker.postMessage(data);
  return worker;
}

function loadThread(): Worker {
  const worker = startThread(new URL("./scan-worker.ts", import.meta.url));
  worker.unref();
  // One that cannot be loaded is not taken; the next one tells why.
  worker.on("error", () => undefined);
  worker.once("exit", () => {
    if (spare === worker) spare = undefined;
  });
  return worker;
}
