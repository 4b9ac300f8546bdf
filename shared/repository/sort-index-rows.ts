import { indexRowBytes } from "#shared/format/index-section.ts";
import { comparePrefixes, sharedBytes } from "./merge-index-rows.ts";

const rowWords = indexRowBytes / 4;
/** Rows of a bucket that are inserted one by one: a sort of its own is dearer for few. */
const insertedMax = 32;

/** Sorts index rows by their prefixes and drops repeated ones. @returns fresh shared memory */
export function sortIndexRows(rows: Uint8Array): Uint8Array<SharedArrayBuffer> {
  const count = rows.byteLength / indexRowBytes;
  const order = sortedOrder(rows, count);
  const aligned = rows.byteOffset % 4 === 0 ? rows : rows.slice();
  const from = new Uint32Array(aligned.buffer, aligned.byteOffset, count * rowWords);
  const sorted = sharedBytes(rows.byteLength);
  const to = new Uint32Array(sorted.buffer);
  let end = 0;
  for (let index = 0; index < count; index++) {
    const row = order[index] ?? 0;
    const at = end * indexRowBytes;
    if (end > 0 && comparePrefixes(rows, row * indexRowBytes, sorted, at - indexRowBytes) === 0) continue;
    for (let word = 0; word < rowWords; word++) to[end * rowWords + word] = from[row * rowWords + word] ?? 0;
    end++;
  }
  return sorted.subarray(0, end * indexRowBytes);
}

/** The numbers of the rows in the order of their prefixes, equal ones in the order that they have. */
function sortedOrder(rows: Uint8Array, count: number): Uint32Array {
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
  const compare = (left: number, right: number): number =>
    comparePrefixes(rows, left * indexRowBytes, rows, right * indexRowBytes);
  for (let bucket = 0; bucket < starts.length - 1; bucket++) {
    const from = starts[bucket] ?? 0;
    const to = starts[bucket + 1] ?? 0;
    if (to - from > insertedMax) order.subarray(from, to).sort(compare);
    else if (to - from > 1) insertInOrder(order, from, to, compare);
  }
  return order;
}

function insertInOrder(
  order: Uint32Array,
  from: number,
  to: number,
  compare: (left: number, right: number) => number,
): void {
  for (let index = from + 1; index < to; index++) {
    const row = order[index] ?? 0;
    let place = index;
    for (; place > from; place--) {
      const before = order[place - 1] ?? 0;
      if (compare(before, row) <= 0) break;
      order[place] = before;
    }
    order[place] = row;
  }
}
