import { decodeChunkList } from "#shared/format/chunk-list.ts";
import { chunkRowBytes, type Entry, entryTypes, listRowBytes } from "#shared/format/entry.ts";
import { HoldfastError } from "#shared/errors.ts";
import type { ReadsBlobs } from "./snapshot-reader.ts";

/** Bytes of a hole that are given at once. */
const zeroBytes = 256 * 1024;

/**
 * The content of a file from its start, holes as zeros, each part verified before it is given. One chunk in memory.
 *
 * @throws {HoldfastError} invalid: not a file; absent: it could not be read when it was backed up; corrupt
 */
export async function* readContent(entry: Entry, reader: ReadsBlobs): AsyncGenerator<Uint8Array> {
  if (entry.type !== entryTypes.file) throw new HoldfastError("invalid", "Cannot read its content: it is not a file");
  if (entry.error !== undefined)
    throw new HoldfastError(
      "absent",
      `Cannot read its content: it was not read when the snapshot was made: ${entry.error}`,
    );
  if (entry.extents === undefined) {
    yield* readChunks(entry, reader);
    return;
  }
  yield* withHoles(entry.extents, entry.size, readChunks(entry, reader));
}

async function* readChunks(entry: Entry, reader: ReadsBlobs): AsyncGenerator<Uint8Array> {
  for await (const rows of chunkRows(entry, reader)) {
    for (let at = 0; at < rows.byteLength; at += chunkRowBytes)
      yield await reader.readChunk(rows.subarray(at, at + 32));
  }
}

/** The rows of all chunks of a file, list by list. */
export async function* chunkRows(entry: Entry, reader: ReadsBlobs): AsyncGenerator<Uint8Array> {
  if (entry.lists === undefined) {
    yield entry.chunks;
    return;
  }
  for (let at = 0; at < entry.lists.byteLength; at += listRowBytes) {
    yield decodeChunkList(await reader.readNode(entry.lists.subarray(at, at + 32)), "a chunk list");
  }
}

async function* withHoles(
  extents: readonly number[],
  size: number,
  content: AsyncGenerator<Uint8Array>,
): AsyncGenerator<Uint8Array> {
  let at = 0;
  let part: Uint8Array = new Uint8Array(0);
  for (let index = 0; index < extents.length; index += 2) {
    const offset = extents[index] ?? 0;
    yield* zeros(offset - at);
    for (let left = extents[index + 1] ?? 0; left > 0;) {
      if (part.byteLength === 0) {
        const next = await content.next();
        if (next.done === true)
          throw new HoldfastError("corrupt", "Cannot read its content: it ends before its last data range");
        part = next.value;
        continue;
      }
      const taken = part.subarray(0, left);
      yield taken;
      left -= taken.byteLength;
      part = part.subarray(taken.byteLength);
    }
    at = offset + (extents[index + 1] ?? 0);
  }
  yield* zeros(size - at);
}

function* zeros(lengthBytes: number): Generator<Uint8Array> {
  for (let left = lengthBytes; left > 0; left -= zeroBytes) yield new Uint8Array(Math.min(left, zeroBytes));
}
