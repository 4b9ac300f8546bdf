import { parentPort, workerData } from "node:worker_threads";
import { HoldfastError } from "#shared/errors.ts";
import { excludeRules } from "./exclude-rules.ts";
import { ScanPacker } from "./scan-batch.ts";
import type { FromScanWorker, ScanWorkerData } from "./scan-messages.ts";
import { scanTree } from "./scan-tree.ts";

/** Records of a batch: small at first, so that whoever compares them can begin. */
const recordsMax = 1024;

/* The thread that scans a tree: packs records to batches, as many ahead as it has credit for. */
const port = parentPort;
if (port === null) throw new Error("This module runs in a worker thread only");
const { root, excludes, oneFileSystem, skip, credits } = workerData as ScanWorkerData;
const credit = new Int32Array(credits);
const packer = new ScanPacker(recordsMax);

const post = (): void => {
  // Waits while the other thread has as many batches as it may.
  while (Atomics.load(credit, 0) <= 0) Atomics.wait(credit, 0, 0);
  Atomics.sub(credit, 0, 1);
  const { batch, transfer } = packer.take();
  const message: FromScanWorker = { type: "batch", batch };
  port.postMessage(message, transfer);
};

let end: FromScanWorker = { type: "end" };
try {
  for (const record of scanTree({ root, excludes: excludeRules(excludes), oneFileSystem, skip }, (problem) =>
    packer.addProblem(problem),
  )) {
    packer.add(record);
    if (packer.full) post();
  }
  if (!packer.empty) post();
} catch (error) {
  if (!(error instanceof HoldfastError)) throw error;
  const { kind, message, detail, hint } = error;
  end = { type: "failed", error: { kind, message, detail, hint } };
}
port.postMessage(end);
