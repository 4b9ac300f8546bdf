import { parentPort, workerData } from "node:worker_threads";
import { HoldfastError } from "#shared/errors.ts";
import { excludeRules } from "./exclude-rules.ts";
import { ScanPacker } from "./scan-batch.ts";
import type { FromScanWorker, ScanWorkerData } from "./scan-messages.ts";
import { scanTree } from "./scan-tree.ts";

/* The thread that scans a tree: packs records to batches, as many ahead as it has credit for. */
const port = parentPort;
if (port === null) throw new Error("This module runs in a worker thread only");
const { root, excludes, oneFileSystem, skip, credits, known } = workerData as ScanWorkerData;
const credit = new Int32Array(credits);
const packer = new ScanPacker(known);

const post = (): void => {
  // Waits while the other thread has as many batches as it may.
  while (Atomics.load(credit, 0) <= 0) Atomics.wait(credit, 0, 0);
  Atomics.sub(credit, 0, 1);
  const { batch, transfer } = packer.take();
  const message: FromScanWorker = { type: "batch", batch };
  port.postMessage(message, transfer);
};

const uids = new Set<number>();
const gids = new Set<number>();
let failed: FromScanWorker | undefined;
try {
  let uid = -1;
  let gid = -1;
  for (const record of scanTree({ root, excludes: excludeRules(excludes), oneFileSystem, skip }, (problem) =>
    packer.addProblem(problem),
  )) {
    packer.add(record);
    if (record.uid !== uid) uids.add((uid = record.uid));
    if (record.gid !== gid) gids.add((gid = record.gid));
    if (packer.full) post();
  }
  packer.endBlock();
  if (!packer.empty) post();
} catch (error) {
  if (!(error instanceof HoldfastError)) throw error;
  const { kind, message, detail, hint } = error;
  failed = { type: "failed", error: { kind, message, detail, hint } };
}
port.postMessage(failed ?? ({ type: "end", uids: [...uids], gids: [...gids] } satisfies FromScanWorker));
