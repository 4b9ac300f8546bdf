import type { ErrorDetail, ErrorKind } from "#shared/errors.ts";
import type { ScanBatch } from "./scan-batch.ts";

/** What a scan worker is started with. */
export type ScanWorkerData = {
  readonly root: string;
  readonly excludes: readonly string[];
  readonly oneFileSystem: boolean;
  readonly skip: readonly string[];
  /** One i32 in shared memory: batches that the worker may still send; whoever uses one up adds one and notifies. */
  readonly credits: SharedArrayBuffer;
  /** Digests of blocks whose records need not be sent. */
  readonly known: Uint8Array | undefined;
};

/** From a scan worker. */
export type FromScanWorker =
  | { readonly type: "batch"; readonly batch: ScanBatch }
  | {
      readonly type: "end";
      /** The owners and groups that were met. */
      readonly uids: readonly number[];
      readonly gids: readonly number[];
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
