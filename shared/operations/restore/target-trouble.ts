import { HoldfastError } from "#shared/errors.ts";
import type { RestoreCounts } from "./item-restore.ts";

/** Errors of a target's filesystem that the next file would meet as well. */
const hopeless: ReadonlySet<string> = new Set(["ENOSPC", "EDQUOT", "EROFS", "EIO"]);

/** Whether a failure to write, by the system's name of it, is one that every other file would meet too. */
export function endsRestore(errno: string): boolean {
  return hopeless.has(errno);
}

/** The error that ends a restore whose target takes no more. @param total - entries that were to be restored, where that is known */
export function targetFailed(
  failure: { readonly kind: string; readonly message: string },
  counts: RestoreCounts,
  done: { readonly entries: number; readonly total: number | undefined },
): HoldfastError {
  const of = done.total === undefined ? "" : ` of ${done.total}`;
  return new HoldfastError(
    "unavailable",
    `Cannot go on with the restore: ${failure.message}. ${done.entries}${of} entries were dealt with before (${counts.restoredBytes} bytes were written); nothing more was fetched, and the others are missing`,
    {
      detail: { errno: failure.kind, entries: done.entries, restoredBytes: counts.restoredBytes },
      hint:
        failure.kind === "ENOSPC" || failure.kind === "EDQUOT"
          ? "Make room on the target, then run the restore again with --overwrite changed: it keeps the files that are whole."
          : "See the kernel's log for the reason, then run the restore again with --overwrite changed: it keeps the files that are whole.",
    },
  );
}
