/**
 * The one error type of Holdfast and the few kinds it comes in.
 *
 * A kind exists only where a caller would act differently. Each kind is mapped once, here, to the process exit code,
 * the HTTP status, the S3 error code and whether a retry can help.
 */

/** What a caller should do about an error. */
export type ErrorKind =
  | "invalid"
  | "absent"
  | "denied"
  | "conflict"
  | "unavailable"
  | "corrupt"
  | "incompatible"
  | "partial"
  | "interrupted"
  | "internal";

/** How one kind of error shows to each kind of caller. */
export type ErrorKindRow = {
  readonly exitCode: number;
  readonly exitName: string;
  readonly retry: boolean;
  readonly httpStatus: number;
  readonly s3Code: string;
  readonly meaning: string;
};

/** The table of kinds. `help`, the README and every door read it; nothing else maps kinds. */
export const errorKinds: Readonly<Record<ErrorKind, ErrorKindRow>> = {
  partial: {
    exitCode: 3,
    exitName: "partial",
    retry: false,
    httpStatus: 500,
    s3Code: "InternalError",
    meaning: "done, but something is missing; the report names it",
  },
  invalid: {
    exitCode: 64,
    exitName: "usage",
    retry: false,
    httpStatus: 400,
    s3Code: "InvalidRequest",
    meaning: "the command, a flag or a value is wrong",
  },
  corrupt: {
    exitCode: 65,
    exitName: "integrity",
    retry: false,
    httpStatus: 502,
    s3Code: "InternalError",
    meaning: "stored bytes do not verify",
  },
  absent: {
    exitCode: 66,
    exitName: "absent",
    retry: false,
    httpStatus: 404,
    s3Code: "NoSuchKey",
    meaning: "nothing by that name: store, snapshot, path or object",
  },
  unavailable: {
    exitCode: 69,
    exitName: "unavailable",
    retry: true,
    httpStatus: 503,
    s3Code: "SlowDown",
    meaning: "the store or the disk does not answer or is full; try again later",
  },
  internal: {
    exitCode: 70,
    exitName: "internal",
    retry: false,
    httpStatus: 500,
    s3Code: "InternalError",
    meaning: "a fault of Holdfast itself",
  },
  conflict: {
    exitCode: 75,
    exitName: "conflict",
    retry: false,
    httpStatus: 412,
    s3Code: "PreconditionFailed",
    meaning: "someone else was first, or the target is already there",
  },
  denied: {
    exitCode: 77,
    exitName: "denied",
    retry: false,
    httpStatus: 403,
    s3Code: "AccessDenied",
    meaning: "wrong passphrase, key or credentials",
  },
  incompatible: {
    exitCode: 78,
    exitName: "incompatible",
    retry: false,
    httpStatus: 501,
    s3Code: "NotImplemented",
    meaning: "written by a newer version, or the store lacks a needed feature",
  },
  interrupted: {
    exitCode: 130,
    exitName: "interrupted",
    retry: false,
    httpStatus: 503,
    s3Code: "SlowDown",
    meaning: "stopped by a signal; nothing half-done is visible",
  },
};

/** Data that goes with an error: names and numbers, never secrets, keys or plaintext. */
export type ErrorDetail = Readonly<Record<string, string | number | boolean | readonly string[]>>;

/**
 * An error with a kind that tells the caller what to do.
 *
 * `message` is a sentence: action, value, cause. `hint` is one imperative sentence for the person at the terminal.
 * Secrets, keys and plaintext never enter it.
 */
export class HoldfastError extends Error {
  override readonly name = "HoldfastError";
  readonly kind: ErrorKind;
  readonly detail: ErrorDetail;
  readonly hint: string | undefined;

  constructor(
    kind: ErrorKind,
    message: string,
    options: { detail?: ErrorDetail; hint?: string; cause?: unknown } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.kind = kind;
    this.detail = options.detail ?? {};
    this.hint = options.hint;
  }
}

/** Whether `error` is a HoldfastError of one of `kinds` (of any kind when none is given). */
export function isHoldfastError(error: unknown, ...kinds: ErrorKind[]): error is HoldfastError {
  return error instanceof HoldfastError && (kinds.length === 0 || kinds.includes(error.kind));
}
