import type { HoldfastError } from "#shared/errors.ts";

/** What is told when the store does not answer and is tried again: the cause, for how long, and what to look at. */
export function outageText({ message, hint }: HoldfastError, retryForMs: number): string {
  const advice = hint === undefined ? "" : ` ${hint}`;
  return `${message}. Trying again for up to ${durationText(retryForMs)}; Ctrl-C stops it.${advice}`;
}

/** What is told when it answers again. */
export function recoveryText(lastedMs: number): string {
  return `The store answers again, after ${durationText(lastedMs)}`;
}

function durationText(ms: number): string {
  const seconds = Math.max(1, Math.round(ms / 1000));
  if (seconds < 120) return seconds === 1 ? "1 second" : `${seconds} seconds`;
  const minutes = Math.round(seconds / 60);
  return minutes < 120 ? `${minutes} minutes` : `${Math.round(minutes / 60)} hours`;
}
