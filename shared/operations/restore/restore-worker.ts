import { parentPort, workerData } from "node:worker_threads";
import { createMac } from "#shared/crypto/mac.ts";
import type { ContentWriter, FileToWrite } from "#shared/connectors/content-writer.ts";
import { releaseBytes } from "#shared/repository/release-bytes.ts";
import { SegmentOpener } from "#shared/repository/segment-opener.ts";
import { HoldfastError } from "#shared/errors.ts";
import {
  type FileProblem,
  type FromRestoreWorker,
  numbersPerFile,
  numbersPerPiece,
  type PieceFailure,
  type RangeTask,
  type RestoreWorkerData,
  type ToRestoreWorker,
} from "./worker-messages.ts";

/* The thread that restores content: opens segments, verifies every chunk, writes files and parts of files. */
const port = parentPort;
if (port === null) throw new Error("This module runs in a worker thread only");
const data = workerData as RestoreWorkerData;
const mac = await createMac(data.idKey);
const writer = await loadWriter();
const opener = new SegmentOpener();
const found = new Uint8Array(32);
const nothing = new Uint8Array(0);

const file: FileToWrite = {
  path: "",
  replace: false,
  mode: 0,
  uid: 0,
  gid: 0,
  size: 0,
  xattrs: undefined,
  flags: 0,
  extents: undefined,
};

port.on("message", (message: ToRestoreWorker) => {
  const failures: PieceFailure[] = [];
  const problems: FileProblem[] = [];
  restoreRange(message, failures, problems);
  const done: FromRestoreWorker = { type: "done", taskId: message.taskId, failures, problems };
  port.postMessage(done);
  for (const bytes of [message.bytes, message.fileNumbers, message.pieceNumbers, message.pieceIds]) releaseBytes(bytes);
});

async function loadWriter(): Promise<ContentWriter> {
  const module = (await import(data.contentModuleUrl)) as { createContentWriter(options: unknown): ContentWriter };
  return module.createContentWriter(data.contentOptions);
}

function restoreRange(task: RangeTask, failures: PieceFailure[], problems: FileProblem[]): void {
  const pieces = task.pieceNumbers.length / numbersPerPiece;
  let openedSegment = -1;
  let plain: Uint8Array = nothing;
  let damage: HoldfastError | undefined;
  let extra = 0;
  for (let piece = 0; piece < pieces; piece++) {
    const at = piece * numbersPerPiece;
    const segment = task.pieceNumbers[at] ?? -1;
    try {
      if (segment !== openedSegment && segment >= 0) {
        openedSegment = segment;
        damage = undefined;
        try {
          plain = open(task, segment);
        } catch (error) {
          if (!(error instanceof HoldfastError)) throw error;
          damage = error;
        }
      }
      const target = task.pieceNumbers[at + 3] ?? 0;
      if (target >= 0) while ((task.fileExtras[extra]?.file ?? Number.MAX_SAFE_INTEGER) < target) extra++;
      if (segment >= 0 && damage !== undefined) throw damage;
      const blob = segment < 0 ? nothing : verified(task, piece, plain);
      if (target < 0) {
        writePart(task, piece, blob);
      } else {
        takeFile(task, target, extra);
        for (const problem of writer.writeFile(file, blob)) problems.push({ file: target, ...problem });
      }
    } catch (error) {
      if (!(error instanceof HoldfastError) || error.kind === "internal") throw error;
      failures.push({ piece, kind: error.kind, errno: String(error.detail["errno"] ?? ""), message: error.message });
    }
  }
}

function open(task: RangeTask, index: number): Uint8Array {
  const segment = task.segments[index];
  if (segment === undefined) throw new HoldfastError("internal", `Cannot find segment ${index} of a task`);
  return opener.open(task.bytes.subarray(segment.at, segment.at + segment.sealedBytes), {
    storeId: data.storeId,
    kind: segment.kind,
    segmentId: segment.segmentId,
    sessionKey: segment.sessionKey,
  });
}

function verified(task: RangeTask, piece: number, plain: Uint8Array): Uint8Array {
  const at = piece * numbersPerPiece;
  const from = task.pieceNumbers[at + 1] ?? 0;
  const end = from + (task.pieceNumbers[at + 2] ?? 0);
  if (end > plain.byteLength)
    throw new HoldfastError("corrupt", "Cannot read a chunk: the index points beyond the end of its segment");
  const blob = plain.subarray(from, end);
  mac.digestInto(blob, found, 0);
  const idAt = piece * 32;
  for (let index = 0; index < 32; index++) {
    if (found[index] !== task.pieceIds[idAt + index])
      throw new HoldfastError("corrupt", "Cannot read a chunk: its bytes do not match its name");
  }
  return blob;
}

function writePart(task: RangeTask, piece: number, blob: Uint8Array): void {
  const at = piece * numbersPerPiece;
  const handle = -1 - (task.pieceNumbers[at + 3] ?? 0);
  const path = task.partPaths.get(piece) ?? "";
  const ranges = task.partRanges.get(piece);
  if (ranges === undefined) {
    writer.writePart(handle, blob, task.pieceNumbers[at + 4] ?? 0, path);
    return;
  }
  for (let index = 0; index < ranges.length; index += 3) {
    const from = ranges[index] ?? 0;
    writer.writePart(handle, blob.subarray(from, from + (ranges[index + 2] ?? 0)), ranges[index + 1] ?? 0, path);
  }
}

function takeFile(task: RangeTask, index: number, extra: number): void {
  const { fileNumbers } = task;
  const at = index * numbersPerFile;
  const extras = task.fileExtras[extra]?.file === index ? task.fileExtras[extra] : undefined;
  file.path = task.filePaths[index] ?? "";
  file.mode = fileNumbers[at] ?? 0;
  file.uid = fileNumbers[at + 1] ?? 0;
  file.gid = fileNumbers[at + 2] ?? 0;
  file.size = fileNumbers[at + 3] ?? 0;
  file.flags = fileNumbers[at + 4] ?? 0;
  file.replace = fileNumbers[at + 5] === 1;
  file.xattrs = extras?.xattrs;
  file.extents = extras?.extents;
}
