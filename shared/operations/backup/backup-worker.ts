import { parentPort, workerData } from "node:worker_threads";
import { createChunker } from "#shared/chunking/chunker.ts";
import { createMac } from "#shared/crypto/mac.ts";
import { BlobIndex } from "#shared/repository/blob-index.ts";
import { SegmentBuilder, type SealedSegment } from "#shared/repository/segment-builder.ts";
import { SessionIndex } from "#shared/repository/session-index.ts";
import type { ContentReader, SeenFile } from "#shared/connectors/content-reader.ts";
import { systemRandom } from "#shared/random.ts";
import { HoldfastError } from "#shared/errors.ts";
import { collectYoungGarbage } from "#shared/work/collect-garbage.ts";
import { FileChunker } from "./file-chunker.ts";
import {
  type BackupWorkerData,
  type BatchResult,
  type FileBatch,
  type FileExtras,
  type FromBackupWorker,
  numbersPerFile,
  type ToBackupWorker,
} from "./worker-messages.ts";

/** Chunks of one file after which they are handed over before the file is at its end. */
const partialChunks = 4096;
/** Segments after which the buffers of their making are given back. */
const segmentsPerCollection = 16;
/** Bytes of one file after which progress is told. */
const progressBytes = 16 * 1024 * 1024;

/* The thread that reads files: takes batches of them, returns their chunks, and posts the segments that fill up. */
const port = parentPort;
if (port === null) throw new Error("This module runs in a worker thread only");
const data = workerData as BackupWorkerData;

const post = (message: FromBackupWorker, transfer: ArrayBuffer[] = []): void => port.postMessage(message, transfer);

const index = new BlobIndex();
for (const rows of data.indexRuns) index.addRun(rows);
const session = new SessionIndex();
for (const table of data.sessionTables) session.addTable(table);
const ordinals = new Uint32Array(data.ordinalCounter);
const builder = new SegmentBuilder(
  {
    storeId: data.storeId,
    kind: "data",
    sessionKey: data.sessionKey,
    indexKey: data.indexKey,
    level: data.level,
    targetBytes: data.segmentBytes,
    blobMaxBytes: data.chunker.maxBytes,
    verify: data.verify,
  },
  systemRandom,
  () => Atomics.add(ordinals, 0, 1),
);
const chunker = createChunker({
  chunkKey: data.chunkKey,
  minBytes: data.chunker.minBytes,
  avgBytes: data.chunker.avgBytes,
  maxBytes: data.chunker.maxBytes,
  windowBytes: data.chunker.maxBytes * 4,
});
const fileChunker = new FileChunker({
  chunker,
  mac: await createMac(data.idKey),
  index,
  session,
  builder,
  onSegment: postSegment,
});
const reader = await loadReader();

port.on("message", (message: ToBackupWorker) => {
  switch (message.type) {
    case "batch":
      readBatch(message);
      break;
    case "table":
      session.addTable(message.table);
      break;
    case "flush":
      fileChunker.flush();
      post({ type: "flushed", overflowRows: fileChunker.overflowRows });
      break;
  }
});
post({ type: "ready" });

async function loadReader(): Promise<ContentReader> {
  const module = (await import(data.contentModuleUrl)) as { createContentReader(options: unknown): ContentReader };
  return module.createContentReader(data.contentOptions);
}

let segmentsSinceCollection = 0;

function postSegment(segment: SealedSegment): void {
  post({ type: "segment", ...segment }, [
    segment.segmentId.buffer,
    segment.sealed.buffer,
    segment.sealedDirectory.buffer,
  ]);
  if (++segmentsSinceCollection >= segmentsPerCollection) {
    segmentsSinceCollection = 0;
    collectYoungGarbage();
  }
}

function readBatch(batch: FileBatch): void {
  const count = batch.paths.length;
  const sizes = new Float64Array(count);
  const changed = new Uint8Array(count);
  const chunkCounts = new Uint32Array(count);
  const extras: FileExtras[] = [];
  const newBefore = fileChunker.newBytes;
  const knownBefore = fileChunker.knownBytes;
  for (let file = 0; file < count; file++) {
    const first = fileChunker.count;
    try {
      const outcome = readUntilStill(batch, file, extras, first);
      sizes[file] = outcome.size;
      changed[file] = outcome.changed ? 1 : 0;
      chunkCounts[file] = fileChunker.count - (outcome.handedOver ? 0 : first);
    } catch (error) {
      if (!(error instanceof HoldfastError) || error.kind === "internal") throw error;
      fileChunker.forgetFrom(first);
      if (extras.at(-1)?.file === file) extras.pop();
      const code = error.detail["errno"] ?? error.kind;
      extras.push({ file, error: { kind: String(code), message: error.message } });
    }
  }
  reader.endBatch();
  const { chunkRows, chunkSegments } = fileChunker.take();
  const result: BatchResult = {
    type: "result",
    batchId: batch.batchId,
    sizes,
    changed,
    chunkCounts,
    chunkRows,
    chunkSegments,
    extras,
    newBytes: fileChunker.newBytes - newBefore,
    knownBytes: fileChunker.knownBytes - knownBefore,
  };
  post(result, [sizes.buffer, changed.buffer, chunkCounts.buffer, chunkRows.buffer, chunkSegments.buffer]);
}

type FileOutcome = { readonly size: number; readonly changed: boolean; readonly handedOver: boolean };

/** Reads a file that changes while it is read once more, as it is then, a few times. @param first - chunks of the files before it */
function readUntilStill(batch: FileBatch, file: number, extras: FileExtras[], first: number): FileOutcome {
  const seen = seenFile(batch, file);
  for (let tries = 1; ; tries++) {
    const outcome = readFile(batch, file, extras, { seen, mayHandOver: first === 0, again: tries > 1 });
    if (!outcome.changed || outcome.handedOver || tries === triesMax) return outcome;
    fileChunker.forgetFrom(first);
    if (extras.at(-1)?.file === file) extras.pop();
  }
}

/** How often a file is read that changes each time. */
const triesMax = 3;

/** @param how.mayHandOver - whether no chunks of files before it wait to be handed over with it */
function readFile(
  batch: FileBatch,
  file: number,
  extras: FileExtras[],
  how: { readonly seen: SeenFile; readonly mayHandOver: boolean; readonly again: boolean },
): FileOutcome {
  const { seen, mayHandOver } = how;
  let handedOver = false;
  let untold = 0;
  let read: number;
  let isChanged = true;
  reader.open(seen, how.again);
  try {
    read = fileChunker.chunkFile(
      reader,
      () => {
        // Files that share a batch are small: only the first one may be so large that its chunks must not pile up.
        if (!mayHandOver || fileChunker.count < partialChunks) return;
        const { chunkRows, chunkSegments } = fileChunker.take();
        handedOver = true;
        post({ type: "partial", batchId: batch.batchId, file, chunkRows, chunkSegments }, [
          chunkRows.buffer,
          chunkSegments.buffer,
        ]);
      },
      (bytes) => {
        untold += bytes;
        if (untold < progressBytes) return;
        post({ type: "bytes", bytes: untold, path: seen.path });
        untold = 0;
      },
    );
    const { xattrs, flags, problems } = reader.details();
    const { extents, found } = reader;
    const isRare = xattrs !== undefined || flags !== 0 || extents !== undefined || found !== undefined;
    if (isRare || problems.length > 0) {
      extras.push({
        file,
        flags,
        problems,
        ...(xattrs === undefined ? {} : { xattrs }),
        ...(extents === undefined ? {} : { extents }),
        ...(found === undefined ? {} : { found }),
      });
    }
    if (untold > 0 && read > progressBytes) post({ type: "bytes", bytes: untold, path: seen.path });
  } finally {
    isChanged = reader.close();
  }
  const short = read < reader.contentBytes;
  return { size: reader.extents === undefined ? read : seen.size, changed: isChanged || short, handedOver };
}

const seen: SeenFile = {
  path: "",
  rootBytes: 0,
  device: 0,
  size: 0,
  blocks512: 0,
  mtimeSec: 0,
  mtimeNsec: 0,
  ctimeSec: 0,
  ctimeNsec: 0,
  inodeHi: 0,
  inodeLo: 0,
};

function seenFile(batch: FileBatch, file: number): SeenFile {
  const { numbers } = batch;
  const at = file * numbersPerFile;
  seen.path = batch.paths[file] ?? "";
  seen.size = numbers[at] ?? 0;
  seen.blocks512 = numbers[at + 1] ?? 0;
  seen.mtimeSec = numbers[at + 2] ?? 0;
  seen.mtimeNsec = numbers[at + 3] ?? 0;
  seen.ctimeSec = numbers[at + 4] ?? 0;
  seen.ctimeNsec = numbers[at + 5] ?? 0;
  seen.inodeHi = numbers[at + 6] ?? 0;
  seen.inodeLo = numbers[at + 7] ?? 0;
  seen.device = numbers[at + 8] ?? 0;
  seen.rootBytes = numbers[at + 9] ?? 0;
  return seen;
}
