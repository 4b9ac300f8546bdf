import { expect, it } from "vitest";
import { encodeChunkList } from "#shared/format/chunk-list.ts";
import { chunkRowBytes, type Entry, emptyEntry, entryTypes, listRowBytes } from "#shared/format/entry.ts";
import { noise } from "#shared/operations/small-store.testing.ts";
import type { ReadsBlobs } from "#shared/snapshot/snapshot-reader.ts";
import { ReadAhead } from "./read-ahead.ts";
import { readRange } from "./read-range.ts";

/** A file of chunks, in memory, and the ids of what was read of it. */
function fileOf(
  chunks: readonly Buffer[],
  options: { readonly extents?: readonly number[]; readonly size?: number; readonly chunksInList?: number } = {},
): { entry: Entry; reader: ReadsBlobs; read: string[] } {
  const blobs = new Map<string, Uint8Array>();
  const read: string[] = [];
  const keep = (id: Buffer, bytes: Uint8Array): Buffer => {
    blobs.set(id.toString("hex"), bytes);
    return id;
  };
  const rows = chunks.map((chunk, index) => {
    const row = Buffer.alloc(chunkRowBytes);
    keep(noise(`chunk ${index}`, 32), chunk).copy(row);
    row.writeUInt32LE(chunk.byteLength, 32);
    return row;
  });
  const entry = emptyEntry("", "file", entryTypes.file);
  entry.size = options.size ?? chunks.reduce((sum, chunk) => sum + chunk.byteLength, 0);
  entry.extents = options.extents;
  if (options.chunksInList === undefined) entry.chunks = Buffer.concat(rows);
  else {
    const lists: Buffer[] = [];
    for (let at = 0; at < rows.length; at += options.chunksInList) {
      const row = Buffer.alloc(listRowBytes);
      const listed = rows.slice(at, at + options.chunksInList);
      keep(noise(`list ${at}`, 32), encodeChunkList(Buffer.concat(listed))).copy(row);
      row.writeBigUInt64LE(BigInt(listed.reduce((sum, each) => sum + each.readUInt32LE(32), 0)), 32);
      lists.push(row);
    }
    entry.lists = Buffer.concat(lists);
  }
  const get = async (id: Uint8Array): Promise<Uint8Array> => {
    const name = Buffer.from(id).toString("hex");
    read.push(name);
    return blobs.get(name) ?? expect.fail("reads what is not there");
  };
  const readChunk: ReadsBlobs["readChunk"] = async (id, part) => (await get(id)).subarray(part?.start, part?.end);
  return { entry, reader: { readChunk, readNode: get }, read };
}

async function bytesOf(parts: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const given: Uint8Array[] = [];
  for await (const part of parts) given.push(part);
  return Buffer.concat(given);
}

it("gives zeros for holes, at the start, between and at the end", async () => {
  const data = noise("data", 20_000);
  const whole = Buffer.alloc(100_000);
  data.copy(whole, 10_000, 0, 5000);
  data.copy(whole, 50_000, 5000, 20_000);
  const chunks = [data.subarray(0, 3000), data.subarray(3000, 9000), data.subarray(9000)];
  const { entry, reader, read } = fileOf(chunks, { extents: [10_000, 5000, 50_000, 15_000], size: 100_000 });
  const edges = [0, 9999, 10_000, 12_000, 13_000, 15_000, 30_000, 50_001, 64_999, 65_000, 100_000];
  for (const start of edges) {
    for (const end of edges.filter((each) => each >= start)) {
      const part = await bytesOf(readRange(entry, reader, new ReadAhead(1e6), { start, end }));
      expect(part.equals(whole.subarray(start, end)), `${start}-${end}`).toBe(true);
    }
  }
  read.length = 0;
  expect((await bytesOf(readRange(entry, reader, new ReadAhead(1e6), { start: 15_000, end: 50_000 }))).byteLength).toBe(
    35_000,
  );
  expect(read).toEqual([]);
});

it("reads of a file with chunk lists only the lists and chunks that the range touches", async () => {
  const chunks = Array.from({ length: 100 }, (_, index) => noise(`c${index}`, 100 + index));
  const whole = Buffer.concat(chunks);
  const { entry, reader, read } = fileOf(chunks, { chunksInList: 7 });
  for (const [start, end, blobs] of [
    [0, 1, 2],
    [whole.byteLength - 1, whole.byteLength, 2],
    [5000, 5001, 2],
    [0, whole.byteLength, 115],
  ] as const) {
    read.length = 0;
    const part = await bytesOf(readRange(entry, reader, new ReadAhead(1e9), { start, end }));
    expect(part.equals(whole.subarray(start, end)), `${start}-${end}`).toBe(true);
    expect(read).toHaveLength(blobs);
  }
});

it("fails when the chunks end before the file, or have other lengths than the tree says", async () => {
  const chunk = noise("c", 100);
  const short = fileOf([chunk], { size: 101 });
  await expect(bytesOf(readRange(short.entry, short.reader, new ReadAhead(1e6)))).rejects.toMatchObject({
    kind: "corrupt",
  });
  const other = fileOf([chunk]);
  const reader: ReadsBlobs = { ...other.reader, readChunk: async () => chunk.subarray(1) };
  await expect(bytesOf(readRange(other.entry, reader, new ReadAhead(1e6)))).rejects.toMatchObject({ kind: "corrupt" });
});

it("fetches ahead no more than all readers together may, and goes on without", async () => {
  const chunks = Array.from({ length: 30 }, (_, index) => noise(`c${index}`, 1000));
  const { entry, reader, read } = fileOf(chunks);
  const ahead = new ReadAhead(3000);
  const parts = readRange(entry, reader, ahead)[Symbol.asyncIterator]();
  await parts.next();
  expect(read.length).toBeLessThanOrEqual(4);
  expect(ahead.usedBytes).toBeLessThanOrEqual(3000);
  const other = await bytesOf(readRange(entry, reader, ahead));
  expect(other.equals(Buffer.concat(chunks))).toBe(true);
  await parts.return?.(undefined);
  expect(ahead.usedBytes).toBe(0);
});

it("does not fetch what a reader that goes away would have wanted", async () => {
  const chunks = Array.from({ length: 200 }, (_, index) => noise(`c${index}`, 10_000));
  const { entry, reader, read } = fileOf(chunks);
  for await (const part of readRange(entry, reader, new ReadAhead(1e9))) if (part.byteLength > 0) break;
  expect(read.length).toBeLessThan(30);
});
