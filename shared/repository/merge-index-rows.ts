import { indexPrefixBytes, indexRowBytes } from "#shared/format/index-section.ts";

/**
 * Merges sorted runs of index rows to one.
 *
 * @param options.copies - of rows with equal prefixes: `keep` all, those of earlier runs first; `drop` all but the earliest
 */
export function mergeIndexRows(runs: readonly Uint8Array[], options: { readonly copies: "keep" | "drop" }): Uint8Array {
  // Only neighbours are merged, so that earlier rows stay the earlier ones; and a run only with what has grown to about its own
  // length, so that each row is moved about log2(runs) times.
  const merged: Uint8Array[] = [];
  for (const run of runs) {
    merged.push(run);
    while (merged.length > 1 && lengthFromEnd(merged, 2) <= 2 * lengthFromEnd(merged, 1))
      mergeLastTwo(merged, options.copies);
  }
  while (merged.length > 1) mergeLastTwo(merged, options.copies);
  return merged[0] ?? new Uint8Array(0);
}

function lengthFromEnd(runs: readonly Uint8Array[], place: number): number {
  return runs.at(-place)?.byteLength ?? 0;
}

function mergeLastTwo(runs: Uint8Array[], copies: "keep" | "drop"): void {
  const late = runs.pop() ?? new Uint8Array(0);
  const early = runs.pop() ?? new Uint8Array(0);
  runs.push(mergeTwo(early, late, copies));
}

function mergeTwo(early: Uint8Array, late: Uint8Array, copies: "keep" | "drop"): Uint8Array {
  const out = sharedBytes(early.byteLength + late.byteLength);
  let from = 0;
  let other = 0;
  let to = 0;
  while (from < early.byteLength && other < late.byteLength) {
    const order = comparePrefixes(early, from, late, other);
    if (order <= 0) {
      out.set(early.subarray(from, from + indexRowBytes), to);
      from += indexRowBytes;
      if (order === 0 && copies === "drop") other += indexRowBytes;
    } else {
      out.set(late.subarray(other, other + indexRowBytes), to);
      other += indexRowBytes;
    }
    to += indexRowBytes;
  }
  out.set(early.subarray(from), to);
  to += early.byteLength - from;
  out.set(late.subarray(other), to);
  to += late.byteLength - other;
  return out.subarray(0, to);
}

/** Byte order of two id prefixes. */
export function comparePrefixes(left: Uint8Array, leftAt: number, right: Uint8Array, rightAt: number): number {
  for (let index = 0; index < indexPrefixBytes; index++) {
    const difference = (left[leftAt + index] ?? 0) - (right[rightAt + index] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}

/** Bytes that worker threads can see without a copy. */
export function sharedBytes(lengthBytes: number): Uint8Array<SharedArrayBuffer> {
  return new Uint8Array(new SharedArrayBuffer(lengthBytes));
}
