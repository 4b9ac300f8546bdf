/**
 * What a long operation tells while it works: one mutable `Progress` that whoever shows it polls, and a `Reporter` for
 * the rare things. An operation never makes an event per file.
 */

/**
 * The counters of one running operation. The operation writes, a renderer reads at its own pace.
 *
 * Totals are `undefined` until they are known, and may grow. Counters only grow.
 */
export type Progress = {
  /** The verb, such as `backup`. */
  readonly operation: string;
  /** What is being done now, in a word or two for people: `scanning`, `uploading`, `publishing`. */
  phase: string;
  entriesDone: number;
  entriesTotal: number | undefined;
  /** Bytes of content dealt with, whether they were stored, reused or skipped as unchanged. */
  bytesDone: number;
  bytesTotal: number | undefined;
  /** Bytes sent to (backup) or fetched from (restore, check) the store. */
  bytesStored: number;
  /** Bytes of content that needed no transfer: already in the store, or already right on the disk. */
  bytesReused: number;
  /** Entries that failed so far. */
  errors: number;
  /** The path in hand, as a binary string: one character (U+0000 to U+00FF) per byte. Empty when there is none. */
  currentPath: string;
};

/** Fresh counters for `operation`. */
export function newProgress(operation: string, phase = "starting"): Progress {
  return {
    operation,
    phase,
    entriesDone: 0,
    entriesTotal: undefined,
    bytesDone: 0,
    bytesTotal: undefined,
    bytesStored: 0,
    bytesReused: 0,
    errors: 0,
    currentPath: "",
  };
}

/** Something worth a line, that is no failure of an entry. */
export type Notice = {
  readonly level: "info" | "warning";
  /** One sentence, without a path. */
  readonly message: string;
  /** The path it is about, as a binary string. */
  readonly path?: string;
  /** Set where it is said of every such entry of a filesystem: people see it once, with a count. */
  readonly isOfFilesystem?: boolean;
};

/** One entry that could not be dealt with; the operation goes on and ends `partial`. */
export type EntryError = {
  /** The path, as a binary string. */
  readonly path: string;
  /** A short machine word: an errno such as `EACCES`, or an error kind such as `corrupt`. */
  readonly kind: string;
  /** One sentence, without the path. */
  readonly message: string;
  /** As of a notice. */
  readonly isOfFilesystem?: boolean;
};

/** A value in a report. */
export type ReportValue = string | number | boolean | readonly string[];

/**
 * How an operation ended. Names in `facts` carry their unit last or first (`durationMs`, `bytesStored`, `sizeBytes`):
 * renderers format by that.
 */
export type Report = {
  readonly operation: string;
  /** `ok`; `partial`: something is missing; `corrupt`: stored bytes did not verify. */
  readonly outcome: "ok" | "partial" | "corrupt";
  /** In words, where more is to be said of the end than `outcome` says. */
  readonly ending?: string;
  readonly facts: Readonly<Record<string, ReportValue>>;
};

/** Where an operation reports. Methods return at once, never throw, and may be called from any point of it. */
export interface Reporter {
  /** The operation begins; `progress` is polled from now until `finish`, or until the operation has thrown. */
  start(progress: Progress): void;
  notice(notice: Notice): void;
  entryError(error: EntryError): void;
  /** The operation is over and did what `report` says. Not called when it throws. */
  finish(report: Report): void;
}

/** A reporter that drops everything: for callers that only want the returned report. */
export const silentReporter: Reporter = {
  start() {},
  notice() {},
  entryError() {},
  finish() {},
};
