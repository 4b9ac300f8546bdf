import type { ViewEntry } from "#shared/view/view.ts";

/** What tells one state of a file from another. */
export type Validators = {
  /** A strong entity tag with its quotes. */
  readonly etag: string | undefined;
  /** Seconds since 1970, where HTTP can say them. */
  readonly modifiedSec: number | undefined;
};

/** Seconds since 1970 after which a year has five digits. */
const secondsMax = 253_402_300_800;

/** The validators of an entry. A time in the future is not told: HTTP forbids it. */
export function validatorsOf(entry: ViewEntry, nowMs: number): Validators {
  const { contentTag, mtimeSec } = entry;
  const canTell = mtimeSec >= 0 && mtimeSec < secondsMax && mtimeSec * 1000 <= nowMs;
  return {
    etag: contentTag === undefined ? undefined : `"${contentTag}"`,
    modifiedSec: canTell ? mtimeSec : undefined,
  };
}

/** A time as HTTP writes it. */
export function httpDate(seconds: number): string {
  return new Date(seconds * 1000).toUTCString();
}
