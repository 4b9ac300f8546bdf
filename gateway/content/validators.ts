import type { ViewEntry } from "#shared/view/view.ts";

/** What tells one state of a file from another. */
export type Validators = {
  /** A strong entity tag with its quotes. */
  readonly etag: string | undefined;
  /** Seconds since 1970, where HTTP can say them. */
  readonly modifiedSec: number | undefined;
};

/** Seconds since 1970 of the first and the last second whose year HTTP can write. */
const secondsMin = -62_135_596_800;
const secondsMax = 253_402_300_799;

/** The validators of an entry. A time in the future is not told: HTTP forbids it. */
export function validatorsOf(entry: ViewEntry, nowMs: number): Validators {
  const { contentTag, mtimeSec } = entry;
  const canTell = mtimeSec >= secondsMin && mtimeSec <= secondsMax && mtimeSec * 1000 <= nowMs;
  return {
    etag: contentTag === undefined ? undefined : `"${contentTag}"`,
    modifiedSec: canTell ? mtimeSec : undefined,
  };
}

/** A time as HTTP writes it, or the nearest that it can write. */
export function httpDate(seconds: number): string {
  return new Date(Math.max(secondsMin, Math.min(secondsMax, seconds)) * 1000).toUTCString();
}
