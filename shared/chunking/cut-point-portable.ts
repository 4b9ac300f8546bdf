import { normalisationBits } from "./chunk-sizes.ts";
import type { ChunkSizes } from "./chunk-sizes.ts";

/**
 * The length of the first chunk of `data`, when `data` goes on to the end of the content: the definition of a cut point,
 * in plain words and slow. `chunker.ts` computes the same by WASM.
 *
 * The gear hash after a byte is the sum, modulo 2^64, of the table's word of each of the last 64 bytes, shifted left by its
 * distance (0 for the newest). With b = log2(avgBytes), a chunk ends
 * - at the first length in [minBytes, avgBytes) whose hash is below 2^(64 - b - 2);
 * - else at the first length in [avgBytes, maxBytes) whose hash is below 2^(64 - b + 2);
 * - else at maxBytes, or where the content ends.
 *
 * @param table - as `gearTable` makes it
 * @see FastCDC, Xia et al., USENIX ATC 2016 (normalised chunking, level 2); the hash is not reset at cuts, so that a cut
 * point depends on the bytes around it and never on the chunk before
 */
export function cutPointPortable(table: Uint8Array, data: Uint8Array, sizes: ChunkSizes): number {
  const words = new BigUint64Array(table.slice().buffer);
  const bits = BigInt(Math.log2(sizes.avgBytes));
  const strict = 1n << (64n - bits - BigInt(normalisationBits));
  const loose = 1n << (64n - bits + BigInt(normalisationBits));
  let hash = 0n;
  for (let length = 1; length <= data.length; length += 1) {
    hash = BigInt.asUintN(64, (hash << 1n) + (words[data[length - 1] ?? 0] ?? 0n));
    if (length >= sizes.maxBytes) return length;
    if (length >= sizes.minBytes && hash < (length < sizes.avgBytes ? strict : loose)) return length;
  }
  return data.length;
}
