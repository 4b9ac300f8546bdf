import type { PackKind } from "#shared/format/segment.ts";

/** What a check worker is started with. */
export type CheckWorkerData = {
  readonly storeId: Uint8Array;
  readonly idKey: Uint8Array;
  readonly indexKey: Uint8Array;
};

/** A segment to be opened and verified blob by blob. */
export type SegmentToCheck = {
  readonly ordinal: number;
  /** Where it begins in `CheckTask.bytes`, and its sealed length. */
  readonly at: number;
  readonly sealedBytes: number;
  readonly segmentId: Uint8Array;
  readonly sessionKey: Uint8Array;
  /** Empty when it could not be read, which is told elsewhere. */
  readonly sealedDirectory: Uint8Array;
};

/** To a worker. */
export type CheckTask = {
  readonly taskId: number;
  readonly kind: PackKind;
  readonly bytes: Uint8Array;
  readonly segments: readonly SegmentToCheck[];
};

/** From a worker. */
export type CheckResult = {
  readonly taskId: number;
  readonly blobs: number;
  readonly plainBytes: number;
  /** What of which segment does not verify. A segment whose directory alone is damaged can be read: other places tell what is in it. */
  readonly damaged: readonly {
    readonly ordinal: number;
    readonly what: "segment" | "directory";
    readonly message: string;
  }[];
};
