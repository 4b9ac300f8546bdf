import type { ExtendedAttributes } from "#shared/connectors/content-reader.ts";
import type { ExportProblem } from "#shared/connectors/exporter.ts";
import type { PackKind } from "#shared/format/segment.ts";

/** What a restore worker is started with. */
export type RestoreWorkerData = {
  readonly storeId: Uint8Array;
  readonly idKey: Uint8Array;
  readonly contentModuleUrl: string;
  readonly contentOptions: unknown;
};

/** A sealed segment in the bytes of a range. */
export type RangeSegment = {
  /** Where it begins in the range, and its sealed length. */
  readonly at: number;
  readonly sealedBytes: number;
  readonly kind: PackKind;
  readonly segmentId: Uint8Array;
  readonly sessionKey: Uint8Array;
};

/** Numbers of a file in `RangeTask.fileNumbers`: mode, uid, gid, size, flags, whether it replaces something. */
export const numbersPerFile = 6;
/** Numbers of a piece in `RangeTask.pieceNumbers`: segment, offset in it, length, file (or -1 − handle), offset in the file. */
export const numbersPerPiece = 5;

/** What is rare about a small file. */
export type SmallFileExtras = {
  readonly file: number;
  readonly xattrs?: ExtendedAttributes;
  readonly extents?: readonly number[];
};

/**
 * Segments of one pack and what becomes of the blobs in them: whole small files, and parts of files that the main thread opened.
 * The worker owns its buffers.
 */
export type RangeTask = {
  readonly type: "range";
  readonly taskId: number;
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly segments: readonly RangeSegment[];
  /** Small files, in the order of their pieces. */
  readonly filePaths: readonly string[];
  readonly fileNumbers: Float64Array<ArrayBuffer>;
  readonly fileExtras: readonly SmallFileExtras[];
  readonly pieceNumbers: Float64Array<ArrayBuffer>;
  /** Chunk id of each piece, 32 bytes. */
  readonly pieceIds: Uint8Array<ArrayBuffer>;
  /** Path of each piece of an opened file, by piece. */
  readonly partPaths: ReadonlyMap<number, string>;
  /** Of a piece of an opened sparse file: triples of offset in the chunk, offset in the file, length. */
  readonly partRanges: ReadonlyMap<number, readonly number[]>;
};

/** To a worker. */
export type ToRestoreWorker = RangeTask;

/** What went wrong with one piece of a task. */
export type PieceFailure = {
  readonly piece: number;
  readonly kind: string;
  readonly errno: string;
  readonly message: string;
};

/** What is to be told of a small file that was restored. */
export type FileProblem = ExportProblem & { readonly file: number };

/** From a worker. */
export type FromRestoreWorker = {
  readonly type: "done";
  readonly taskId: number;
  readonly failures: readonly PieceFailure[];
  readonly problems: readonly FileProblem[];
};
