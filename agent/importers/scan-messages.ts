import type { ErrorDetail, ErrorKind } from "#shared/errors.ts";
import type { ExcludeLine } from "./exclude-rules.ts";
import type { ScanBatch } from "./scan-batch.ts";
import type { ScanFindings } from "./scan-findings.ts";
import type { ScanKey, ScanPlace } from "./scan-tree.ts";
import type { SkippedDirectories } from "./skipped-directories.ts";

/** What a scan worker is started with. */
export type ScanWorkerData = {
  readonly root: string;
  readonly excludes: readonly ExcludeLine[];
  readonly oneFileSystem: boolean;
  readonly skip: SkippedDirectories;
  /** One i32 in shared memory: it may send a batch while that is above 0, and takes its cost off; whoever uses it up adds that again and notifies. */
  readonly credits: SharedArrayBuffer;
  /** Digests of blocks whose records need not be sent. */
  readonly known: Uint8Array | undefined;
  /** Where the scan is cut into ranges. */
  readonly cuts: readonly ScanKey[];
  /** One i32 in memory that all workers of a scan share: the next range that nobody scans. */
  readonly nextRange: SharedArrayBuffer;
  /** Where the first range begins, unless at the root. */
  readonly from: ScanPlace | undefined;
};

/** From a scan worker: of each of its ranges where it begins, batches, and where it ends. */
export type FromScanWorker =
  | { readonly type: "begin"; readonly range: number; readonly place: ScanPlace | undefined }
  | { readonly type: "batch"; readonly range: number; readonly batch: ScanBatch }
  | {
      readonly type: "end";
      readonly range: number;
      readonly place: ScanPlace;
      /** The owners and groups that were met. */
      readonly uids: readonly number[];
      readonly gids: readonly number[];
      /** What the thread has found so far. */
      readonly findings: ScanFindings;
    }
  | {
      readonly type: "failed";
      readonly error: {
        readonly kind: ErrorKind;
        readonly message: string;
        readonly detail: ErrorDetail;
        readonly hint: string | undefined;
      };
    };
