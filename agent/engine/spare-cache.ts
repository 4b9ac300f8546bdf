import { isHoldfastError } from "#shared/errors.ts";
import type { Reporter } from "#shared/operations/progress.ts";
import { fileSystemCode } from "#shared/store/file-system-error.ts";

/** What a run does with the agent's cache. */
export type SpareCache = {
  /** What `action` comes to; undefined where the cache cannot be used, which is told. */
  readonly attempt: <Result>(action: () => Result) => Result | undefined;
  /** Tells of a failure, once a run; that something is not there is none. @throws `error` itself, if it is none of files */
  readonly failed: (error: unknown) => undefined;
};

/** Reporters of runs that were told already. */
const told = new WeakSet<object>();

/**
 * The one place that decides what becomes of a failure of the agent's cache: a warning, once a run. A cache is never the truth, so whatever goes
 * wrong with its files costs time, and a command goes on to an end of its own.
 */
export function spareCache(reporter: Pick<Reporter, "notice">): SpareCache {
  const failed = (error: unknown): undefined => {
    if (!isHoldfastError(error) && fileSystemCode(error) === undefined) throw error;
    if (fileSystemCode(error) === "ENOENT" || told.has(reporter)) return;
    told.add(reporter);
    const message = `Nothing is cached, which costs time only: ${error instanceof Error ? error.message : String(error)}`;
    reporter.notice({ level: "warning", message });
  };
  return {
    attempt(action) {
      try {
        return action();
      } catch (error) {
        return failed(error);
      }
    },
    failed,
  };
}
