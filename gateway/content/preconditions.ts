import type { Validators } from "./validators.ts";

/** What the conditions of a request come to: `proceed`, 304 (the client has it), or 412 (it is another). */
export type Verdict = "proceed" | "not-modified" | "failed";

/** Evaluates the conditions of a GET or HEAD in the order of RFC 9110, 13.2.2. A condition that cannot be read is left out. */
export function preconditions(headers: Headers, { etag, modifiedSec }: Validators): Verdict {
  const ifMatch = headers.get("if-match");
  const unmodifiedSince = seconds(headers.get("if-unmodified-since"));
  if (ifMatch !== null) {
    if (!matches(ifMatch, etag, "strong")) return "failed";
  } else if (unmodifiedSince !== undefined && modifiedSec !== undefined && modifiedSec > unmodifiedSince)
    return "failed";
  const ifNoneMatch = headers.get("if-none-match");
  const modifiedSince = seconds(headers.get("if-modified-since"));
  if (ifNoneMatch !== null) return matches(ifNoneMatch, etag, "weak") ? "not-modified" : "proceed";
  if (modifiedSince !== undefined && modifiedSec !== undefined && modifiedSec <= modifiedSince) return "not-modified";
  return "proceed";
}

/** Whether a `Range` holds: there is no `If-Range`, or it names what is there now. */
export function rangeHolds(headers: Headers, { etag, modifiedSec }: Validators): boolean {
  const ifRange = headers.get("if-range");
  if (ifRange === null) return true;
  const written = ifRange.trim();
  if (written.startsWith('"')) return written === etag;
  if (written.startsWith("W/")) return false;
  const since = seconds(written);
  return since !== undefined && since === modifiedSec;
}

function matches(list: string, etag: string | undefined, strength: "strong" | "weak"): boolean {
  if (list.trim() === "*") return true;
  if (etag === undefined) return false;
  for (const [tag, weak] of list.matchAll(/(W\/)?"[^"]*"/g)) {
    if (weak !== undefined && strength === "strong") continue;
    if ((weak === undefined ? tag : tag.slice(2)) === etag) return true;
  }
  return false;
}

function seconds(date: string | null): number | undefined {
  if (date === null || date.length > 64) return undefined;
  const time = Date.parse(date);
  return Number.isNaN(time) ? undefined : Math.floor(time / 1000);
}
