import type { SessionTable } from "#shared/repository/session-index.ts";
import type { FoundFile } from "#shared/connectors/content-reader.ts";
import type { StoreConfig } from "#shared/format/config.ts";

/** What a backup worker is started with. */
export type BackupWorkerData = {
  readonly contentModuleUrl: string;
  readonly contentOptions: unknown;
  readonly chunker: StoreConfig["chunker"];
  readonly segmentBytes: number;
  readonly level: number;
  readonly storeId: Uint8Array;
  readonly idKey: Uint8Array;
  readonly chunkKey: Uint8Array;
  readonly indexKey: Uint8Array;
  readonly sessionKey: Uint8Array;
  readonly verify: boolean;
  /** Rows of the repository's blob index, in shared memory. */
  readonly indexRuns: readonly Uint8Array[];
  readonly sessionTables: readonly SessionTable[];
  /** One u32 in shared memory: the ordinal that the next segment gets. */
  readonly ordinalCounter: SharedArrayBuffer;
};

/** Numbers of one file in `FileBatch.numbers`. */
export const numbersPerFile = 10;

/** Files to be read. `numbers` holds, per file: size, blocks, mtime s and ns, ctime s and ns, inode high and low, device, bytes of the root in the path. */
export type FileBatch = {
  readonly type: "batch";
  readonly batchId: number;
  readonly paths: readonly string[];
  readonly numbers: Float64Array;
};

/** To a worker. */
export type ToBackupWorker =
  | FileBatch
  | { readonly type: "table"; readonly table: SessionTable }
  | { readonly type: "flush" };

/** What is rare about a file. */
export type FileExtras = {
  readonly file: number;
  readonly xattrs?: readonly (readonly [name: string, value: Uint8Array])[];
  readonly flags?: number;
  readonly extents?: readonly number[];
  readonly problems?: readonly string[];
  /** The file that was read, where it is not as the scan saw it. */
  readonly found?: FoundFile;
  readonly error?: { readonly kind: string; readonly message: string };
};

/** What became of the files of a batch, in their order. */
export type BatchResult = {
  readonly type: "result";
  readonly batchId: number;
  /** Size that was read, holes included, per file. */
  readonly sizes: Float64Array;
  /** 1 where the file changed while it was read. */
  readonly changed: Uint8Array;
  /** Chunks of each file that are in `chunkRows`. */
  readonly chunkCounts: Uint32Array;
  /** Rows of 36 bytes: chunk id, length. */
  readonly chunkRows: Uint8Array;
  /** Ordinal of the segment that holds each chunk. */
  readonly chunkSegments: Uint32Array;
  readonly extras: readonly FileExtras[];
  readonly newBytes: number;
  readonly knownBytes: number;
};

/** From a worker. */
export type FromBackupWorker =
  | { readonly type: "ready" }
  | BatchResult
  | {
      /** The first chunks of a file that has very many; more follow, the last in the batch's result. */
      readonly type: "partial";
      readonly batchId: number;
      readonly file: number;
      readonly chunkRows: Uint8Array;
      readonly chunkSegments: Uint32Array;
    }
  | {
      readonly type: "segment";
      readonly ordinal: number;
      readonly segmentId: Uint8Array<ArrayBuffer>;
      readonly sealed: Uint8Array<ArrayBuffer>;
      readonly sealedDirectory: Uint8Array<ArrayBuffer>;
    }
  | { readonly type: "bytes"; readonly bytes: number; readonly path: string }
  | {
      readonly type: "flushed";
      /** Index rows that found no room in the shared table. */
      readonly overflowRows: Uint8Array;
    };
