import type { ErrorKind } from "#shared/errors.ts";

/** A line of the access log. It has no query: presigned URLs have signatures there. */
export type AccessRecord = {
  readonly timeMs: number;
  /** Until the last byte was taken. */
  readonly durationMs: number;
  readonly address: string | undefined;
  /** The name of the user, token or key; undefined: nobody that is known. */
  readonly principal: string | undefined;
  readonly method: string;
  /** As it was written, escapes and all. */
  readonly path: string;
  readonly status: number;
  readonly sentBytes: number;
  /** What was wrong, where something was. */
  readonly failure: ErrorKind | undefined;
};
