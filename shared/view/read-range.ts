import { type Entry, entryTypes } from "#shared/format/entry.ts";
import { HoldfastError } from "#shared/errors.ts";
import type { ReadsBlobs } from "#shared/snapshot/snapshot-reader.ts";
import { chunksInRange, type PlacedChunk } from "./chunks-in-range.ts";
import type { ReadAhead } from "./read-ahead.ts";
import type { ContentRange } from "./view.ts";

/** Bytes of a hole that are given at once. */
const zeroBytes = 256 * 1024;

/** A chunk that is being fetched ahead. */
type Fetch = { readonly partBytes: number; readonly bytes: Promise<Uint8Array>; readonly countedBytes: number };

/**
 * The bytes of a file in a range, holes as zeros, each part verified before it is given. Fetches the chunks that the range touches and no
 * others, the next ones while the reader is at work with the last, in growing numbers.
 *
 * @throws {HoldfastError} invalid: not a file, or a range outside it; absent: it could not be read when it was backed up; corrupt
 */
export async function* readRange(
  entry: Entry,
  reader: ReadsBlobs,
  readAhead: ReadAhead,
  range: ContentRange = { start: 0, end: entry.size },
): AsyncGenerator<Uint8Array> {
  const { start, end } = range;
  if (entry.type !== entryTypes.file) throw new HoldfastError("invalid", "Cannot read its content: it is not a file");
  if (entry.error !== undefined) {
    throw new HoldfastError("absent", `Cannot read its content: the backup could not read it: ${entry.error}`);
  }
  if (!(start >= 0 && start <= end && end <= entry.size)) {
    throw new HoldfastError("invalid", `Cannot read bytes ${start} to ${end} of a file of ${entry.size}`);
  }
  const spans = dataSpans(entry, start, end);
  const dataBytes = spans.reduce((sum, span) => sum + span.end - span.start, 0);
  const dataStart = contentOffset(entry, start);
  const content = readData(entry, reader, readAhead, { start: dataStart, end: dataStart + dataBytes });
  try {
    let at = start;
    let part: Uint8Array = new Uint8Array(0);
    for (const span of spans) {
      yield* zeros(span.start - at);
      for (let left = span.end - span.start; left > 0;) {
        if (part.byteLength === 0) {
          const next = await content.next();
          if (next.done === true) throw new HoldfastError("corrupt", "Cannot read its content: it ends early");
          part = next.value;
        }
        const taken = part.subarray(0, left);
        part = part.subarray(taken.byteLength);
        left -= taken.byteLength;
        yield taken;
      }
      at = span.end;
    }
    yield* zeros(end - at);
  } finally {
    await content.return(undefined);
  }
}

/** The data ranges of a file cut to a range of it. */
function dataSpans(entry: Entry, start: number, end: number): ContentRange[] {
  if (entry.extents === undefined) return start < end ? [{ start, end }] : [];
  const spans: ContentRange[] = [];
  for (let index = 0; index < entry.extents.length; index += 2) {
    const from = Math.max(start, entry.extents[index] ?? 0);
    const to = Math.min(end, (entry.extents[index] ?? 0) + (entry.extents[index + 1] ?? 0));
    if (from < to) spans.push({ start: from, end: to });
  }
  return spans;
}

/** How many bytes of content without holes lie before an offset of a file. */
function contentOffset(entry: Entry, offset: number): number {
  if (entry.extents === undefined) return offset;
  let bytes = 0;
  for (let index = 0; index < entry.extents.length; index += 2) {
    const from = entry.extents[index] ?? 0;
    if (from >= offset) break;
    bytes += Math.min(offset - from, entry.extents[index + 1] ?? 0);
  }
  return bytes;
}

async function* readData(
  entry: Entry,
  reader: ReadsBlobs,
  readAhead: ReadAhead,
  range: ContentRange,
): AsyncGenerator<Uint8Array> {
  const chunks = chunksInRange(entry, reader, range.start, range.end);
  const ahead: Fetch[] = [];
  let waiting: PlacedChunk | undefined;
  let aheadBytes = 0;
  let readBytes = 0;
  const nextChunk = async (): Promise<PlacedChunk | undefined> => {
    const next = await chunks.next();
    return next.done === true ? undefined : next.value;
  };
  const fetch = (chunk: PlacedChunk, countedBytes: number): void => {
    const from = Math.max(0, range.start - chunk.start);
    const to = Math.min(chunk.lengthBytes, range.end - chunk.start);
    const bytes = reader.readChunk(chunk.id, { start: from, end: to, chunkBytes: chunk.lengthBytes });
    bytes.catch(() => undefined); // its failure is met when its turn comes; until then it is nobody's
    readAhead.take(countedBytes);
    aheadBytes += countedBytes;
    ahead.push({ partBytes: to - from, bytes, countedBytes });
  };
  try {
    for (;;) {
      waiting ??= await nextChunk();
      while (waiting !== undefined) {
        const isNeeded = ahead.length === 0;
        if (!isNeeded && !readAhead.hasRoom(waiting.lengthBytes, aheadBytes, readBytes)) break;
        fetch(waiting, isNeeded ? 0 : waiting.lengthBytes);
        waiting = await nextChunk();
      }
      const first = ahead.shift();
      if (first === undefined) return;
      readAhead.give(first.countedBytes);
      aheadBytes -= first.countedBytes;
      const bytes = await first.bytes;
      if (bytes.byteLength !== first.partBytes) {
        throw new HoldfastError("corrupt", "Cannot read its content: a chunk has another length than the tree says");
      }
      readBytes += bytes.byteLength;
      yield bytes;
    }
  } finally {
    readAhead.give(aheadBytes);
    await chunks.return(undefined);
  }
}

function* zeros(lengthBytes: number): Generator<Uint8Array> {
  for (let left = lengthBytes; left > 0; left -= zeroBytes) yield new Uint8Array(Math.min(left, zeroBytes));
}
