import { HoldfastError, isHoldfastError } from "#shared/errors.ts";

/** Ends work that was asked to stop. @throws {HoldfastError} interrupted, or the signal's own HoldfastError */
export function stopIfAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted === true) throw interruption(signal);
}

/** The error of work that an aborted signal ended. */
export function interruption(signal: AbortSignal): HoldfastError {
  const reason: unknown = signal.reason;
  if (isHoldfastError(reason)) return reason;
  return new HoldfastError("interrupted", "Stopped while working on the log", { cause: reason });
}
