import { decodeChunkList } from "#shared/format/chunk-list.ts";
import { chunkRowBytes, type Entry, listRowBytes } from "#shared/format/entry.ts";
import type { ReadsBlobs } from "#shared/snapshot/snapshot-reader.ts";

/** A chunk of a file. */
export type PlacedChunk = {
  /** Blob id, 32 bytes: a view. */
  readonly id: Uint8Array;
  /** Where its first byte lies in the content without the holes. */
  readonly start: number;
  readonly lengthBytes: number;
};

/** The chunks that hold the bytes `start` to `end` of a file's content without its holes. Lists that lie outside are not read. */
export async function* chunksInRange(
  entry: Entry,
  reader: ReadsBlobs,
  start: number,
  end: number,
): AsyncGenerator<PlacedChunk> {
  if (start >= end) return;
  if (entry.lists === undefined) {
    yield* chunksOf(entry.chunks, 0, start, end);
    return;
  }
  const view = new DataView(entry.lists.buffer, entry.lists.byteOffset, entry.lists.byteLength);
  let listStart = 0;
  for (let at = 0; at < entry.lists.byteLength && listStart < end; at += listRowBytes) {
    const lengthBytes = Number(view.getBigUint64(at + 32, true));
    if (listStart + lengthBytes > start) {
      const list = await reader.readNode(entry.lists.subarray(at, at + 32));
      // A copy: the rows would hold the whole segment.
      yield* chunksOf(decodeChunkList(list, "a chunk list").slice(), listStart, start, end);
    }
    listStart += lengthBytes;
  }
}

function* chunksOf(rows: Uint8Array, firstStart: number, start: number, end: number): Generator<PlacedChunk> {
  const view = new DataView(rows.buffer, rows.byteOffset, rows.byteLength);
  let chunkStart = firstStart;
  for (let at = 0; at < rows.byteLength && chunkStart < end; at += chunkRowBytes) {
    const lengthBytes = view.getUint32(at + 32, true);
    if (chunkStart + lengthBytes > start) yield { id: rows.subarray(at, at + 32), start: chunkStart, lengthBytes };
    chunkStart += lengthBytes;
  }
}
