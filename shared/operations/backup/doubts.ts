import { decodeErrorList } from "#shared/format/error-list.ts";
import type { Entry } from "#shared/format/entry.ts";
import { idToBytes } from "#shared/format/ids.ts";
import type { SnapshotHeader } from "#shared/format/snapshot.ts";
import { isHoldfastError } from "#shared/errors.ts";
import type { BlobReader } from "#shared/repository/blob-reader.ts";

/**
 * Milliseconds for which a file may be written to without its times telling: filesystems count time in ticks of up to 2 s, and the kernel leaves the
 * times of a mapped page alone until it has been written back, which takes it half a minute.
 */
export const settleMs = 60_000;
/** Seconds from which on a time lies in the future and not in the last minute: whoever writes to such a file changes it. */
const futureSec = 24 * 3600;

/** The times that were too young, when a backup read what has them, to tell every later change. */
export type YoungTimes = { readonly fromSec: number; readonly toSec: number };

/** @param backup.timeMs - when it began; @param backup.settleMs - how young is too young */
export function youngTimes(backup: {
  readonly timeMs: number;
  readonly durationMs: number;
  readonly settleMs: number;
}): YoungTimes {
  if (backup.settleMs === 0) return { fromSec: Number.POSITIVE_INFINITY, toSec: Number.NEGATIVE_INFINITY };
  const fromSec = Math.floor((backup.timeMs - backup.settleMs) / 1000);
  return { fromSec, toSec: Math.ceil((backup.timeMs + backup.durationMs) / 1000) + futureSec };
}

/** Whether an entry may have changed since without its times showing it. */
export function isYoung({ ctimeSec }: Entry, { fromSec, toSec }: YoungTimes): boolean {
  return ctimeSec >= fromSec && ctimeSec <= toSec;
}

/** What of the previous snapshot is read again although it looks unchanged. */
export type Doubts = {
  readonly young: YoungTimes;
  /** Paths of which something was not captured, as its errors have them. */
  readonly paths: ReadonlySet<string>;
};

/** Whether an entry that looks unchanged is read again. @param path - as errors have it */
export function isDoubted(entry: Entry, path: string, { young, paths }: Doubts): boolean {
  return isYoung(entry, young) || (paths.size > 0 && paths.has(path));
}

/** The doubts about a snapshot; undefined: its errors cannot be read, so that all of it is in doubt. */
export async function doubtsAbout(
  header: SnapshotHeader,
  reader: BlobReader,
  settle: number,
): Promise<Doubts | undefined> {
  const young = youngTimes({ ...header, settleMs: settle });
  if (header.errorList === undefined) return { young, paths: new Set() };
  try {
    const errors = decodeErrorList(
      await reader.readNode(idToBytes(header.errorList)),
      "the errors of the previous snapshot",
    );
    // More than a list holds are only counted.
    if (errors.length < header.errorCount) return undefined;
    return { young, paths: new Set(errors.filter(({ kind }) => kind === "metadata").map(({ path }) => path)) };
  } catch (error) {
    if (isHoldfastError(error, "corrupt", "incompatible", "absent")) return undefined;
    throw error;
  }
}

/** How a snapshot was read, as far as it decides what of an entry was captured. */
type Reading = Pick<SnapshotHeader, "lost" | "user">;

/**
 * Whether what a snapshot has of an entry is all that would be captured now: it was not read without the native library, without extended attributes, or
 * by a user who may not see all of them, unless it is so again.
 */
export function isReadAlike(then: Reading, now: Reading): boolean {
  // What a repair lost is noted there too, and is another matter.
  const lostOnlyThen = then.lost.some((reason) => !reason.startsWith("content of ") && !now.lost.includes(reason));
  return !lostOnlyThen && (then.user === "root" || now.user !== "root");
}
