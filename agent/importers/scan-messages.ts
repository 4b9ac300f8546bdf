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
};

/** From a scan worker. */
export type FromScanWorker =
  | { readonly type: "batch"; readonly batch: ScanBatch }
  | { readonly type: "end" }
  | {
      readonly type: "failed";
      readonly error: {
        readonly kind: ErrorKind;
        readonly message: string;
        readonly detail: ErrorDetail;
        readonly hint: string | undefined;
      };
    };
