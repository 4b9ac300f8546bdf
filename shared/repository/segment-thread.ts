import { parentPort } from "node:worker_threads";
import { isHoldfastError } from "#shared/errors.ts";
import { releaseBytes } from "./release-bytes.ts";
import { SegmentOpener } from "./segment-opener.ts";
import type { SegmentAnswer, SegmentTask } from "./segment-threads.ts";

/* A thread that opens segments for `SegmentThreads`. */
const port = parentPort;
if (port === null) throw new Error("This module runs in a worker thread only");
const opener = new SegmentOpener();

port.on("message", ({ taskId, sealed, keys }: SegmentTask) => {
  try {
    const plain = opener.openOwned(sealed, keys);
    const answer: SegmentAnswer = { taskId, plain };
    port.postMessage(answer, [plain.buffer]);
  } catch (error) {
    if (!isHoldfastError(error)) throw error;
    const { kind, message, detail } = error;
    const answer: SegmentAnswer = { taskId, failure: { kind, message, detail } };
    port.postMessage(answer);
  } finally {
    releaseBytes(sealed);
  }
});
port.postMessage("ready");
