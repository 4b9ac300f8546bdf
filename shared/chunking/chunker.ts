import { checkChunkSizes, normalisationBits } from "./chunk-sizes.ts";
import type { ChunkSizes } from "./chunk-sizes.ts";
import { gearTable, gearTableBytes } from "./gear-table.ts";
import { createGearKernel } from "./kernel/gear-kernel.ts";

/** The id, in a store's config, of the way of cutting that this file implements. */
export const chunkerId = "fastcdc-gear64-v1";

/** What `createChunker` is made from: the store's sizes and its chunk key. */
export type ChunkerOptions = ChunkSizes & {
  /** 32 bytes; other keys cut elsewhere. */
  readonly chunkKey: Uint8Array;
  /** Size of `Chunker.window`; none unless asked for. */
  readonly windowBytes?: number;
};

/** Cuts content into chunks at places that depend on the content. Owned by one thread; keeps no state between calls. */
export type Chunker = ChunkSizes & {
  readonly id: typeof chunkerId;
  /**
   * Memory of the kernel, for the caller to read a file's bytes straight into: a subarray of it is scanned in place, any other
   * array is copied to the kernel first. Its content is the caller's; it is not transferable.
   */
  readonly window: Uint8Array<ArrayBuffer>;
  /**
   * The lengths of the chunks at the beginning of `data` that no later byte can change, in order.
   *
   * `data` must begin at a chunk border: at the start of the content, or where the chunks returned so far end. Unless
   * `final`, the bytes after the last returned chunk (fewer than maxBytes) belong at the head of the next call's `data`,
   * followed by more. With `final` `data` reaches the end of the content and the lengths add up to `data.length`; only then
   * may the last one be under minBytes. Empty content has no chunks. The result does not depend on how content is split
   * into calls. Bytes left over are scanned again, so give several times maxBytes at once where possible.
   */
  cutPoints(data: Uint8Array, final: boolean): number[];
};

/** Bytes of data that a scan looks back on: the reach of the hash less the byte being added. */
const lookBackBytes = 63;
/** Foreign data is copied to the kernel in pieces that stay in the processor's cache. */
const pieceBytes = 64 * 1024;
const pieceStart = gearTableBytes + 64;
const windowStart = 2 * pieceBytes;

/**
 * Makes a chunker: FastCDC with normalised sizes over a keyed 64-bit gear hash, scanned in WASM.
 *
 * Cut points are defined by `cut-point-portable.ts`, which gives the same ones slowly.
 *
 * @throws {HoldfastError} invalid: sizes that do not fit together, or a key that has not 32 bytes
 */
export function createChunker(options: ChunkerOptions): Chunker {
  const { minBytes, avgBytes, maxBytes, windowBytes = 0 } = options;
  checkChunkSizes(options);
  const { memory, scan } = createGearKernel(windowStart + windowBytes);
  memory.set(gearTable(options.chunkKey), 0);
  const strictBits = Math.log2(avgBytes) + normalisationBits;
  const looseBits = Math.log2(avgBytes) - normalisationBits;

  /** The first index in [from, to) of foreign `data` at which the hash is low, or `to`. */
  const scanForeign = (data: Uint8Array, from: number, to: number, bits: number): number => {
    for (let at = from; at < to; at += pieceBytes) {
      const end = Math.min(at + pieceBytes, to);
      memory.set(data.subarray(at - lookBackBytes, end), pieceStart);
      const first = pieceStart + lookBackBytes;
      const hit = scan(first, first + (end - at), bits);
      if (hit < first + (end - at)) return at + (hit - first);
    }
    return to;
  };

  /** The first index in [from, to) of `data` at which the hash is low, or `to`. */
  const scanData = (data: Uint8Array, from: number, to: number, bits: number): number =>
    data.buffer === memory.buffer
      ? scan(data.byteOffset + from, data.byteOffset + to, bits) - data.byteOffset
      : scanForeign(data, from, to, bits);

  /** The length of the chunk at `start`, or `undefined` when bytes not yet there may decide. */
  const cutLength = (data: Uint8Array, start: number, final: boolean): number | undefined => {
    const available = data.length - start;
    if (available <= minBytes) return final || available >= maxBytes ? available : undefined;
    // A chunk of length n ends with the byte at start + n - 1; the byte at `to` would be one of the next kind.
    const strictTo = start + Math.min(available, avgBytes - 1);
    const strictFrom = start + minBytes - 1;
    if (strictFrom < strictTo) {
      const hit = scanData(data, strictFrom, strictTo, strictBits);
      if (hit < strictTo) return hit + 1 - start;
    }
    const looseTo = start + Math.min(available, maxBytes - 1);
    const looseFrom = start + avgBytes - 1;
    if (looseFrom < looseTo) {
      const hit = scanData(data, looseFrom, looseTo, looseBits);
      if (hit < looseTo) return hit + 1 - start;
    }
    if (available >= maxBytes) return maxBytes;
    return final ? available : undefined;
  };

  return {
    id: chunkerId,
    minBytes,
    avgBytes,
    maxBytes,
    window: memory.subarray(windowStart, windowStart + windowBytes),
    cutPoints: (data, final) => {
      const lengths: number[] = [];
      for (let start = 0; start < data.length;) {
        const length = cutLength(data, start, final);
        if (length === undefined) break;
        lengths.push(length);
        start += length;
      }
      return lengths;
    },
  };
}
