import { parentPort } from "node:worker_threads";
import { libc } from "#agent/filesystem/libc.ts";
import { HoldfastError } from "#shared/errors.ts";
import { batchCost } from "./scan-batch.ts";
import { excludeRules } from "./exclude-rules.ts";
import { newFindings } from "./scan-findings.ts";
import type { FromScanWorker, ScanWorkerData } from "./scan-messages.ts";
import { startScanKernel } from "./kernel/scan-kernel.ts";
import { scanRange } from "./scan-range.ts";
import { findPlace } from "./scan-tree.ts";

/* The thread that scans ranges of a tree, once it is told of which: as many batches ahead as it has credit for. */
const port = parentPort;
if (port === null) throw new Error("This module runs in a worker thread only");
const post = (message: FromScanWorker, transfer: ArrayBuffer[] = []): void => port.postMessage(message, transfer);

const run = ({ root, excludes, oneFileSystem, skip, credits, known, cuts, nextRange, from }: ScanWorkerData): void => {
  const findings = newFindings();
  const options = { root, excludes: excludeRules(excludes, findings.matched), oneFileSystem, skip, findings };
  const credit = new Int32Array(credits);
  const next = new Int32Array(nextRange);

  const kernel = startScanKernel();

  const scan = (range: number): void => {
    const cut = cuts[range - 1];
    const begin = cut === undefined ? from : findPlace(options, cut);
    post({ type: "begin", range, place: begin });
    const batches = scanRange(options, { known, kernel }, { from: begin, to: cuts[range] });
    let step = batches.next();
    for (; step.done !== true; step = batches.next()) {
      if (step.value === undefined) continue;
      // Waits while the other thread has as many batches as it may.
      for (let left = Atomics.load(credit, 0); left <= 0; left = Atomics.load(credit, 0)) Atomics.wait(credit, 0, left);
      Atomics.sub(credit, 0, batchCost(step.value.batch));
      post({ type: "batch", range, batch: step.value.batch }, step.value.transfer);
    }
    const { place, uids, gids } = step.value;
    post({ type: "end", range, place, uids: [...uids], gids: [...gids], findings });
  };

  try {
    for (let range = Atomics.add(next, 0, 1); range <= cuts.length; range = Atomics.add(next, 0, 1)) scan(range);
  } catch (error) {
    if (!(error instanceof HoldfastError)) throw error;
    const { kind, message, detail, hint } = error;
    post({ type: "failed", error: { kind, message, detail, hint } });
  }
};

// Native code is loaded before anything is told, for until then nobody ends this thread; and beside what the main thread has to load.
libc();
port.once("message", run);
