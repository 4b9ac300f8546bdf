import type { PlannedFile } from "./content-window.ts";
import type { PlannedRange } from "./plan-ranges.ts";
import { mapToExtents } from "./map-to-extents.ts";
import { numbersPerPiece, type RangeTask, type SmallFileExtras } from "./worker-messages.ts";

/** Packs a range and its pieces as the message to a thread. `files` are those that the message numbers, in turn. */
export function buildTask(
  taskId: number,
  range: PlannedRange,
  bytes: Uint8Array<ArrayBuffer>,
  sessionKeys: readonly Uint8Array[],
): { task: RangeTask; files: readonly PlannedFile[] } {
  const start = range.places[0]?.offsetBytes ?? 0;
  const segments = range.places.map((place, index) => ({
    at: place.offsetBytes - start,
    sealedBytes: place.sealedBytes,
    kind: place.pack.kind,
    segmentId: place.segmentId.slice(),
    sessionKey: sessionKeys[index] ?? new Uint8Array(0),
  }));
  const files: PlannedFile[] = [];
  const fileExtras: SmallFileExtras[] = [];
  const fileNumbers: number[] = [];
  const pieceNumbers = new Float64Array(range.pieces.length * numbersPerPiece);
  const pieceIds = new Uint8Array(range.pieces.length * 32);
  const partPaths = new Map<number, string>();
  const partRanges = new Map<number, readonly number[]>();
  let segment = -1;
  for (const [index, piece] of range.pieces.entries()) {
    while (segment + 1 < range.places.length && range.places[segment]?.ordinal !== piece.segment) segment++;
    const { file } = piece;
    let target: number;
    if (file.opened === undefined) {
      target = files.length;
      addFile(file, target, files, fileNumbers, fileExtras);
    } else {
      target = -1 - file.opened.handle;
      partPaths.set(index, file.path);
      const { extents } = file.entry;
      if (extents !== undefined) partRanges.set(index, mapToExtents(extents, piece.contentOffset, piece.lengthBytes));
    }
    pieceNumbers.set(
      [piece.segment < 0 ? -1 : segment, piece.offsetBytes, piece.lengthBytes, target, piece.contentOffset],
      index * numbersPerPiece,
    );
    pieceIds.set(piece.ids.subarray(piece.idAt, piece.idAt + 32), index * 32);
  }
  const filePaths = files.map((file) => file.path);
  return {
    task: {
      type: "range",
      taskId,
      bytes,
      segments,
      filePaths,
      fileNumbers: Float64Array.from(fileNumbers),
      fileExtras,
      pieceNumbers,
      pieceIds,
      partPaths,
      partRanges,
    },
    files,
  };
}

function addFile(
  file: PlannedFile,
  index: number,
  files: PlannedFile[],
  numbers: number[],
  extras: SmallFileExtras[],
): void {
  const { entry } = file;
  files.push(file);
  numbers.push(entry.mode, entry.uid, entry.gid, entry.size, entry.flags, file.decision === "replace" ? 1 : 0);
  if (entry.xattrs !== undefined || entry.extents !== undefined) {
    extras.push({
      file: index,
      ...(entry.xattrs === undefined ? {} : { xattrs: entry.xattrs }),
      ...(entry.extents === undefined ? {} : { extents: entry.extents }),
    });
  }
}
