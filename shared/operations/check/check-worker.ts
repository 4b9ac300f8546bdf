import { parentPort, workerData } from "node:worker_threads";
import { createMac, type Mac } from "#shared/crypto/mac.ts";
import { nodeKey } from "#shared/repository/node-key.ts";
import { directoryRowBytes } from "#shared/format/directory.ts";
import { HoldfastError } from "#shared/errors.ts";
import { collectYoungGarbage } from "#shared/work/collect-garbage.ts";
import { openDirectory } from "#shared/repository/open-directory.ts";
import { SegmentOpener } from "#shared/repository/segment-opener.ts";
import type { CheckResult, CheckTask, CheckWorkerData } from "./worker-messages.ts";

/* The thread that proves segments: opens each with its directory and verifies every blob against its id. */
const port = parentPort;
if (port === null) throw new Error("This module runs in a worker thread only");
const { storeId, idKey, indexKey } = workerData as CheckWorkerData;
const macs: Record<CheckTask["kind"], Mac> = { data: await createMac(idKey), meta: await createMac(nodeKey(idKey)) };
const opener = new SegmentOpener();
const found = new Uint8Array(32);

port.on("message", (task: CheckTask) => {
  let blobs = 0;
  let plainBytes = 0;
  const damaged: { ordinal: number; what: "segment" | "directory"; message: string }[] = [];
  for (const segment of task.segments) {
    let what: "segment" | "directory" = "segment";
    try {
      const plain = opener.open(task.bytes.subarray(segment.at, segment.at + segment.sealedBytes), {
        storeId,
        kind: task.kind,
        ...segment,
      });
      plainBytes += plain.byteLength;
      if (segment.sealedDirectory.byteLength === 0) continue;
      what = "directory";
      const rows = openDirectory(segment.sealedDirectory, {
        storeId,
        kind: task.kind,
        segmentId: segment.segmentId,
        indexKey,
      });
      what = "segment";
      blobs += checkBlobs(plain, rows, macs[task.kind]);
    } catch (error) {
      if (!(error instanceof HoldfastError) || error.kind === "internal") throw error;
      damaged.push({ ordinal: segment.ordinal, what, message: error.message });
    }
  }
  const result: CheckResult = { taskId: task.taskId, blobs, plainBytes, damaged };
  port.postMessage(result);
  collectYoungGarbage();
});

/** Proves each blob of a segment against its id. @returns how many there are */
function checkBlobs(plain: Uint8Array, rows: Uint8Array, mac: Mac): number {
  const view = new DataView(rows.buffer, rows.byteOffset, rows.byteLength);
  let from = 0;
  for (let at = 0; at < rows.byteLength; at += directoryRowBytes) {
    const end = from + view.getUint32(at + 32, true);
    if (end > plain.byteLength)
      throw new HoldfastError("corrupt", "Cannot read a blob: the directory points beyond the end of its segment");
    mac.digestInto(plain.subarray(from, end), found, 0);
    for (let index = 0; index < 32; index++) {
      if (found[index] !== rows[at + index])
        throw new HoldfastError("corrupt", "Cannot read a blob: its bytes do not match its name");
    }
    from = end;
  }
  if (from !== plain.byteLength)
    throw new HoldfastError("corrupt", "Cannot read a segment: its directory does not account for all of it");
  return rows.byteLength / directoryRowBytes;
}
