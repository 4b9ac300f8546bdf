import { describe, expect, it } from "vitest";
import { HoldfastError } from "#shared/errors.ts";
import { idFromBytes } from "#shared/format/ids.ts";
import { indexRowBytes } from "#shared/format/index-section.ts";
import type { SnapshotRecord } from "#shared/log/log-state.ts";
import { sha256 } from "#shared/crypto/sha256.ts";
import { BlobLookup } from "./blob-lookup.ts";
import { IndexRun } from "./index-run.ts";
import { mergeIndexRows } from "./merge-index-rows.ts";
import { SegmentTable } from "./segment-table.ts";
import { sortIndexRows } from "./sort-index-rows.ts";

const mebibyte = 1024 * 1024;

const blobId = (state: number, blob: number): Uint8Array => sha256(Buffer.from(`${state}/${blob}`));

/** A state whose section claims some length; its blobs say by their segment which state, by their offset which blob they are. */
function stateOf(seq: number, sectionBytes: number): SnapshotRecord {
  const stateId = idFromBytes("state", sha256(Buffer.from(`state ${seq}`)));
  return { seq, stateId, headBytes: 100, stateBytes: 100 + sectionBytes } as SnapshotRecord;
}

const blobsPerState = 50;

function rowsOf(state: number): Uint8Array {
  const rows = new Uint8Array(blobsPerState * indexRowBytes);
  const view = new DataView(rows.buffer);
  for (let blob = 0; blob < blobsPerState; blob++) {
    rows.set(blobId(state, blob).subarray(0, 20), blob * indexRowBytes);
    view.setUint32(blob * indexRowBytes + 20, state, true);
    view.setUint32(blob * indexRowBytes + 24, blob, true);
  }
  return sortIndexRows(rows);
}

/** A lookup over states, and the numbers of the states that it read, call by call. */
function lookupOver(records: readonly SnapshotRecord[], options: { limitBytes?: number; fail?: () => boolean } = {}) {
  const reads: number[][] = [];
  const lookup = new BlobLookup({
    segments: new SegmentTable(),
    limitBytes: options.limitBytes,
    read: async (asked) => {
      await new Promise((resolve) => setImmediate(resolve));
      if (options.fail?.() === true) throw new HoldfastError("unavailable", "not now");
      reads.push(asked.map(({ seq }) => seq));
      const rows = asked.map(({ seq }) => rowsOf(seq));
      return new IndexRun(mergeIndexRows(rows, { copies: "keep" }));
    },
  });
  lookup.add(records);
  return { lookup, reads };
}

async function firstOf(lookup: BlobLookup, state: number, blob: number): Promise<string | undefined> {
  for await (const place of lookup.copies(blobId(state, blob))) return `${place.segment}/${place.offsetBytes}`;
  return undefined;
}

const largeStates = Array.from({ length: 12 }, (_, seq) => stateOf(seq + 1, 9 * mebibyte));
const smallStates = Array.from({ length: 100 }, (_, seq) => stateOf(seq + 1, 1000));

describe("a lookup", () => {
  it("reads the newest section first, and no more than it takes", async () => {
    const { lookup, reads } = lookupOver(largeStates);
    expect(await firstOf(lookup, 12, 3)).toBe("12/3");
    expect(reads).toEqual([[12]]);
    expect(await firstOf(lookup, 10, 7)).toBe("10/7");
    expect(reads).toEqual([[12], [11], [10], [9]]);
    expect(await firstOf(lookup, 9, 0)).toBe("9/0");
    expect(reads).toHaveLength(4);
  });

  it("reads the preferred section before all others", async () => {
    const { lookup, reads } = lookupOver(largeStates);
    lookup.prefer(largeStates[4]!.stateId);
    expect(await firstOf(lookup, 5, 1)).toBe("5/1");
    expect(reads).toEqual([[5]]);
  });

  it("reads small sections together, and leaves out those that are empty", async () => {
    const { lookup, reads } = lookupOver([...smallStates, stateOf(101, 0)]);
    expect(await firstOf(lookup, 1, 1)).toBe("1/1");
    expect(reads).toEqual([smallStates.map(({ seq }) => seq)]);
  });

  it("asks states that come later first", async () => {
    const { lookup, reads } = lookupOver(largeStates.slice(0, 11));
    expect(await firstOf(lookup, 11, 0)).toBe("11/0");
    lookup.add(largeStates.slice(11));
    expect(await firstOf(lookup, 12, 0)).toBe("12/0");
    expect(reads).toEqual([[11], [12]]);
  });

  it("gives all copies of a blob, and nothing for one that nobody stored, which it does not know", async () => {
    const twice = [stateOf(1, 9 * mebibyte), stateOf(1, 9 * mebibyte)];
    const { lookup } = lookupOver(twice);
    const places: string[] = [];
    for await (const { segment, offsetBytes } of lookup.copies(blobId(1, 9))) places.push(`${segment}/${offsetBytes}`);
    expect(places).toEqual(["1/9", "1/9"]);
    expect(await firstOf(lookup, 99, 0)).toBeUndefined();
    expect([lookup.knows(blobId(1, 9)), lookup.knows(blobId(99, 0))]).toEqual([true, false]);
  });

  it("finds every blob though it may keep but one part, and reads what it let go only for what that has", async () => {
    const { lookup, reads } = lookupOver(largeStates, { limitBytes: 1 });
    for (let state = 1; state <= 12; state++) {
      for (let blob = 0; blob < blobsPerState; blob++) {
        expect(await firstOf(lookup, state, blob)).toBe(`${state}/${blob}`);
      }
    }
    const before = reads.length;
    expect(before).toBeLessThan(12 + 12 + 60);
    for (let blob = 0; blob < 100; blob++) expect(await firstOf(lookup, 50, blob)).toBeUndefined();
    expect(reads.length - before).toBeLessThan(100); // of 1200 parts that would be read without filters
  });

  it("finds all when many ask at once, and reads each section once", async () => {
    const { lookup, reads } = lookupOver(largeStates);
    const asked = largeStates.flatMap(({ seq }) => [0, 1, 2].map((blob) => [seq, blob] as const));
    const found = await Promise.all(asked.map(([state, blob]) => firstOf(lookup, state, blob)));
    expect(found).toEqual(asked.map(([state, blob]) => `${state}/${blob}`));
    expect(reads.flat().toSorted((left, right) => left - right)).toEqual(largeStates.map(({ seq }) => seq));
  });

  it("reads again what could not be read when the store did not answer", async () => {
    let failures = 5;
    const { lookup } = lookupOver(largeStates, { fail: () => failures-- > 0 && failures % 2 === 0 });
    for (let state = 1; state <= 12; state++) {
      let found: string | undefined;
      while (found === undefined) found = await firstOf(lookup, state, 4).catch(() => undefined);
      expect(found).toBe(`${state}/4`);
    }
    expect(failures).toBeLessThan(0);
  });
});
