import { indexPrefixBytes, indexRowBytes } from "#shared/format/index-section.ts";

/** Merges sorted runs of index rows to one; of rows with equal prefixes the one of the earlier run stays. */
export function mergeIndexRows(runs: readonly Uint8Array[]): Uint8Array {
  let merged = runs[0] ?? new Uint8Array(0);
  // Pairwise from the small end, so that each row is moved about log2(runs) times.
  const queue = runs.map((rows, order) => ({ rows, order }));
  while (queue.length > 1) {
    queue.sort((left, right) => right.rows.byteLength - left.rows.byteLength);
    const small = queue.pop();
    const large = queue.pop();
    if (small === undefined || large === undefined) break;
    const [early, late] = small.order < large.order ? [small, large] : [large, small];
    queue.push({ rows: mergeTwo(early.rows, late.rows), order: early.order });
  }
  merged = queue[0]?.rows ?? merged;
  return merged;
}

function mergeTwo(early: Uint8Array, late: Uint8Array): Uint8Array {
  const out = sharedBytes(early.byteLength + late.byteLength);
  let from = 0;
  let other = 0;
  let to = 0;
  while (from < early.byteLength && other < late.byteLength) {
    const order = comparePrefixes(early, from, late, other);
    if (order <= 0) {
      out.set(early.subarray(from, from + indexRowBytes), to);
      from += indexRowBytes;
      if (order === 0) other += indexRowBytes;
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
