import { indexRowBytes } from "#shared/format/index-section.ts";
import { comparePrefixes, sharedBytes } from "./merge-index-rows.ts";

/** Sorts index rows by their prefixes and drops repeated ones. @returns fresh shared memory */
export function sortIndexRows(rows: Uint8Array): Uint8Array<SharedArrayBuffer> {
  const count = rows.byteLength / indexRowBytes;
  const view = new DataView(rows.buffer, rows.byteOffset, rows.byteLength);
  // A bucket sort by the first bits brings equal beginnings together; the few rows of a bucket are then inserted in order.
  const bits = Math.min(22, Math.max(1, Math.ceil(Math.log2(count + 1)) - 1));
  const shift = 32 - bits;
  const starts = new Uint32Array(2 ** bits + 1);
  for (let row = 0; row < count; row++) {
    const bucket = view.getUint32(row * indexRowBytes, false) >>> shift;
    starts[bucket + 1] = (starts[bucket + 1] ?? 0) + 1;
  }
  for (let bucket = 1; bucket < starts.length; bucket++)
    starts[bucket] = (starts[bucket] ?? 0) + (starts[bucket - 1] ?? 0);
  const next = starts.slice();
  const order = new Uint32Array(count);
  for (let row = 0; row < count; row++) {
    const bucket = view.getUint32(row * indexRowBytes, false) >>> shift;
    order[next[bucket] ?? 0] = row;
    next[bucket] = (next[bucket] ?? 0) + 1;
  }
  for (let bucket = 0; bucket < starts.length - 1; bucket++) {
    const from = starts[bucket] ?? 0;
    const to = starts[bucket + 1] ?? 0;
    if (to - from > 1) {
      order
        .subarray(from, to)
        .sort((left, right) => comparePrefixes(rows, left * indexRowBytes, rows, right * indexRowBytes));
    }
  }
  const sorted = sharedBytes(rows.byteLength);
  let to = 0;
  for (const row of order) {
    const at = row * indexRowBytes;
    if (to > 0 && comparePrefixes(rows, at, sorted, to - indexRowBytes) === 0) continue;
    sorted.set(rows.subarray(at, at + indexRowBytes), to);
    to += indexRowBytes;
  }
  return sorted.subarray(0, to);
}
