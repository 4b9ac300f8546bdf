import { expect, it } from "vitest";
import { HoldfastError } from "#shared/errors.ts";
import { decodeChunkList } from "#shared/format/chunk-list.ts";
import { chunkRowBytes, listRowBytes } from "#shared/format/entry.ts";
import { scriptedSource } from "#shared/operations/backup/scripted-source.testing.ts";
import { backupSmall, createSmall, noise, openSmall } from "#shared/operations/small-store.testing.ts";
import { liveRecords, readSnapshot } from "#shared/snapshot/read-snapshot.ts";
import { SnapshotTree } from "#shared/snapshot/snapshot-tree.ts";
import { memoryStore } from "#shared/store/memory-store.ts";
import { meteredStore, type StoreMeter } from "#shared/store/metered-store.ts";
import type { Store } from "#shared/store/store.ts";
import type { BlobReader, BlobReaderOptions } from "./blob-reader.ts";
import { SegmentThreads } from "./segment-threads.ts";

const content = noise("content of the file", 400_000);

/** A chunk of the file. */
type Chunk = { readonly id: Uint8Array; readonly bytes: Buffer };

const made = memoryStore();
const chunks = await makeStore();

async function makeStore(): Promise<Chunk[]> {
  await createSmall(made);
  await backupSmall(made, [scriptedSource({ root: "/scripted", entries: [{ path: "file", content }] })]);
  const repository = await openSmall(made);
  const [record] = liveRecords(repository);
  if (record === undefined) return expect.fail("there is no snapshot");
  const reader = await repository.blobReader();
  const tree = new SnapshotTree(await readSnapshot(repository, record), reader);
  const { entry } = await tree.find("/scripted/file");
  let rows = entry.chunks;
  if (entry.lists !== undefined) {
    const lists: Uint8Array[] = [];
    for (let at = 0; at < entry.lists.byteLength; at += listRowBytes) {
      lists.push(decodeChunkList(await reader.readNode(entry.lists.subarray(at, at + 32)), "a list"));
    }
    rows = Buffer.concat(lists);
  }
  const view = new DataView(rows.buffer, rows.byteOffset, rows.byteLength);
  const found: Chunk[] = [];
  let from = 0;
  for (let at = 0; at < rows.byteLength; at += chunkRowBytes) {
    const lengthBytes = view.getUint32(at + 32, true);
    found.push({ id: rows.slice(at, at + 32), bytes: content.subarray(from, from + lengthBytes) });
    from += lengthBytes;
  }
  expect(from).toBe(content.byteLength);
  return found;
}

/** A reader of the store, and what it asks of it; the index is there. */
async function readerOf(
  options: BlobReaderOptions = {},
  store: Store = made,
): Promise<{ reader: BlobReader; meter: Readonly<StoreMeter> }> {
  const metered = meteredStore(store);
  const repository = await openSmall(metered.store);
  await repository.loadIndex();
  return { reader: await repository.newBlobReader(options), meter: metered.meter };
}

function chunk(index: number): Chunk {
  return chunks.at(index) ?? expect.fail("there is no such chunk");
}

it("gives chunks, and any part of one, in memory of their own", async () => {
  const { reader } = await readerOf();
  const given: Uint8Array[] = [];
  for (const { id, bytes } of chunks) {
    const chunkBytes = bytes.byteLength;
    const whole = await reader.readChunk(id);
    expect(bytes.equals(whole)).toBe(true);
    expect(whole.buffer.byteLength).toBe(chunkBytes);
    for (const [start, end] of [
      [0, 0],
      [0, 1],
      [chunkBytes - 1, chunkBytes],
      [chunkBytes >> 2, chunkBytes >> 1],
    ] as const) {
      const part = await reader.readChunk(id, { start, end, chunkBytes });
      expect(bytes.subarray(start, end).equals(part)).toBe(true);
      expect(part.buffer.byteLength).toBe(end - start);
    }
    given.push(whole);
  }
  expect(content.equals(Buffer.concat(given))).toBe(true);
});

it("refuses a part of a chunk that has another length than was said", async () => {
  const { reader } = await readerOf();
  const { id, bytes } = chunk(0);
  for (const chunkBytes of [bytes.byteLength - 1, bytes.byteLength + 1]) {
    await expect(reader.readChunk(id, { start: 0, end: 10, chunkBytes })).rejects.toMatchObject({ kind: "corrupt" });
  }
});

it("fetches a segment once for all who read of it at once, and nothing ahead", async () => {
  const { reader, meter } = await readerOf();
  const before = { ...meter };
  const { id, bytes } = chunk(0);
  const parts = await Promise.all(
    Array.from({ length: 50 }, (_, start) =>
      reader.readChunk(id, { start, end: start + 9, chunkBytes: bytes.byteLength }),
    ),
  );
  for (const [start, part] of parts.entries()) expect(bytes.subarray(start, start + 9).equals(part)).toBe(true);
  expect(meter.gets - before.gets).toBe(1);
  expect(meter.downBytes - before.downBytes).toBeLessThan(40_000);
});

it("keeps opened segments up to its limit, fetches the others again, and what it gave stays as it was", async () => {
  for (const [chunkSegmentBytes, isKept] of [
    [10 * content.byteLength, true],
    [40_000, false],
  ] as const) {
    const { reader, meter } = await readerOf({ chunkSegmentBytes });
    const first = await Promise.all(chunks.map(({ id }) => reader.readChunk(id)));
    const { gets } = meter;
    expect(content.equals(Buffer.concat(first))).toBe(true);
    for (const { id, bytes } of chunks) expect(bytes.equals(await reader.readChunk(id))).toBe(true);
    if (isKept) expect(meter.gets).toBe(gets);
    else expect(meter.gets - gets).toBeGreaterThan(10);
    expect(content.equals(Buffer.concat(first))).toBe(true);
  }
});

it("gives the same by threads", async () => {
  const threads = new SegmentThreads(2);
  threads.start();
  while (threads.readyThreads < 2) await new Promise((resolve) => setImmediate(resolve));
  try {
    const { reader } = await readerOf({ chunkSegmentBytes: 40_000, chunkOpener: threads });
    for (let round = 0; round < 3; round++) {
      const all = await Promise.all(chunks.map(({ id }) => reader.readChunk(id)));
      expect(content.equals(Buffer.concat(all))).toBe(true);
    }
  } finally {
    await threads.close();
  }
});

it("does not take a chunk for another, nor for a node", async () => {
  const { reader } = await readerOf();
  const { id } = chunk(0);
  await expect(reader.readNode(id)).rejects.toMatchObject({ kind: "corrupt" });
  const other = id.slice();
  other[31] = (other[31] ?? 0) ^ 1;
  await expect(reader.readChunk(other)).rejects.toMatchObject({ kind: "corrupt" });
  expect(chunk(0).bytes.equals(await reader.readChunk(id))).toBe(true);
  await expect(reader.readChunk(other)).rejects.toMatchObject({ kind: "corrupt" });
});

it("keeps no failure, of the store or of bytes that changed on their way", async () => {
  let way: "whole" | "broken" | "changed" = "whole";
  const store: Store = {
    ...made,
    async get(key, range) {
      if (way === "broken") throw new HoldfastError("unavailable", "not now");
      const bytes = await made.get(key, range);
      // The last segment may be of a few bytes.
      const middle = bytes.byteLength >> 1;
      if (way === "changed") bytes[middle] = (bytes[middle] ?? 0) ^ 1;
      return bytes;
    },
  };
  const { reader } = await readerOf({}, store);
  const { id, bytes } = chunk(-1);
  way = "broken";
  await expect(reader.readChunk(id)).rejects.toMatchObject({ kind: "unavailable" });
  way = "changed";
  await expect(reader.readChunk(id)).rejects.toMatchObject({ kind: "corrupt" });
  way = "whole";
  expect(bytes.equals(await reader.readChunk(id))).toBe(true);
});
