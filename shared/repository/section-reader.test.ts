import { randomBytes } from "node:crypto";
import { beforeAll, describe, expect, it } from "vitest";
import { concatBytes } from "#shared/bytes/concat-bytes.ts";
import { sha256 } from "#shared/crypto/sha256.ts";
import type { HoldfastError } from "#shared/errors.ts";
import { idFromBytes } from "#shared/format/ids.ts";
import { indexPrefixBytes, indexRowBytes } from "#shared/format/index-section.ts";
import { encodePackTable, packHeaderBytes } from "#shared/format/pack.ts";
import type { SnapshotRecord } from "#shared/log/log-state.ts";
import { systemRandom } from "#shared/random.ts";
import { memoryStore } from "#shared/store/memory-store.ts";
import { stateKey } from "#shared/store/object-key.ts";
import type { Store } from "#shared/store/store.ts";
import { largeSectionBytes } from "./blob-lookup.ts";
import { sealIndexRows } from "./index-section.ts";
import { PublishedStates, type StateContents } from "./published-states.ts";
import { PrefixFilter } from "./prefix-filter.ts";
import { SectionReader } from "./section-reader.ts";
import { SectionRun } from "./section-run.ts";
import { SegmentTable } from "./segment-table.ts";
import { sortIndexRows } from "./sort-index-rows.ts";

const indexKey = new Uint8Array(32).fill(1);
const storeIdBytes = new Uint8Array(16).fill(2);
const storeId = idFromBytes("store", storeIdBytes);
const headBytes = 77;
const rowCount = 250_000;
const segmentCount = 40;
const rows = new Uint8Array(rowCount * indexRowBytes);

/** A pack of some segments, by number. */
function packOf(number: number, segments: number) {
  const table = encodePackTable(
    Array.from({ length: segments }, (_, row) => ({
      segmentId: sha256(Buffer.from(`${number}/${row}`)).subarray(0, 24),
      sessionId: new Uint8Array(16),
      segmentOffset: packHeaderBytes + row * 10,
      segmentBytes: 10,
      directoryOffset: 0,
      directoryBytes: 0,
    })),
  );
  const packId = idFromBytes("pack", sha256(Buffer.from(`pack ${number}`)));
  return { packId, kind: "data" as const, sizeBytes: 1000, table };
}

const packs = [packOf(1, 15), packOf(2, segmentCount - 15)];
let store: Store;
let record: SnapshotRecord;
let contents: StateContents;
let section: Uint8Array;

beforeAll(async () => {
  rows.set(randomBytes(rows.byteLength));
  const view = new DataView(rows.buffer);
  for (let row = 0; row < rowCount; row++) view.setUint32(row * indexRowBytes + 20, row % segmentCount, true);
  const sorted = sortIndexRows(rows);
  section = concatBytes(
    ...sealIndexRows(() => sorted, {
      indexKey,
      storeId: storeIdBytes,
      packIds: packs.map(({ packId }) => packId),
      random: systemRandom,
    }),
  );
  const stateId = idFromBytes("state", sha256(section));
  const indexBytes = section.byteLength;
  record = { seq: 1, stateId, headBytes, stateBytes: headBytes + indexBytes } as SnapshotRecord;
  contents = { packs, sessions: [], indexBytes, indexSha256: sha256(section) };
  store = memoryStore();
  await store.put(stateKey(stateId), [new Uint8Array(headBytes), section]);
});

/** A reader, the segments that it numbers by, and what it could not read. */
function readerOf(from: Store, given = contents) {
  const segments = new SegmentTable();
  segments.addPack(packOf(0, 3));
  segments.addPack(packs[1]!);
  segments.addPack(packs[0]!);
  const problems: HoldfastError[] = [];
  const reader = new SectionReader({
    store: from,
    storeIdBytes,
    indexKey,
    segments,
    states: new PublishedStates({ store: from, storeId }),
    contentsOf: () => Promise.resolve(given),
    onProblem: async (_record, error) => void problems.push(error),
  });
  return { reader, problems };
}

/** The ordinal in the table of `readerOf` of a segment of the state. */
const ordinalOf = (segment: number): number => (segment < 15 ? 3 + (segmentCount - 15) + segment : 3 + segment - 15);

describe("a large index section", () => {
  it("is read by few requests, and gives each blob's place and no other", async () => {
    let gets = 0;
    const { reader, problems } = readerOf({ ...store, get: (key, range) => (gets++, store.get(key, range)) });
    expect(section.byteLength).toBeGreaterThan(largeSectionBytes);
    const part = await reader.read([record]);
    expect(part).toBeInstanceOf(SectionRun);
    expect(problems).toEqual([]);
    expect(gets).toBeLessThanOrEqual(Math.ceil(section.byteLength / (4 * 1024 * 1024)));
    expect(part.count).toBe(rowCount);
    const view = new DataView(rows.buffer);
    for (let row = 0; row < rowCount; row += 7) {
      const at = row * indexRowBytes;
      const found = part.find(rows, at);
      expect([part.segmentOf(found), part.offsetOf(found), part.lengthOf(found)]).toEqual([
        ordinalOf(row % segmentCount),
        view.getUint32(at + 24, true),
        view.getUint32(at + 28, true),
      ]);
    }
    const other = randomBytes(indexPrefixBytes);
    expect(part.find(other, 0)).toBe(-1);
    const filter = new PrefixFilter(part);
    let wrong = 0;
    for (let row = 0; row < rowCount; row++) expect(filter.mayHave(rows, row * indexRowBytes)).toBe(true);
    for (let row = 0; row < 10_000; row++) if (filter.mayHave(randomBytes(20), 0)) wrong++;
    expect(wrong).toBeLessThan(500);
  });

  it("is a problem that is told where any byte of it changed, and where it is cut or gone", async () => {
    const state = await store.get(stateKey(record.stateId));
    for (const spoil of [
      (bytes: Uint8Array) => ((bytes[headBytes + 3]! ^= 1), bytes),
      (bytes: Uint8Array) => ((bytes[headBytes + 1_000_000]! ^= 1), bytes),
      (bytes: Uint8Array) => ((bytes[bytes.byteLength - 1]! ^= 1), bytes),
      (bytes: Uint8Array) => bytes.subarray(0, bytes.byteLength - 5),
      () => undefined,
    ]) {
      const damaged = memoryStore();
      const bytes = spoil(state.slice());
      if (bytes !== undefined) await damaged.put(stateKey(record.stateId), [bytes]);
      const { reader, problems } = readerOf(damaged);
      const part = await reader.read([record]);
      expect(part.count).toBe(0);
      expect(problems.map(({ kind }) => kind)).toEqual(["corrupt"]);
    }
  });

  it("is refused beside other packs than those that it was sealed for", async () => {
    const { reader, problems } = readerOf(store, { ...contents, packs: packs.slice(0, 1) });
    expect((await reader.read([record])).count).toBe(0);
    expect(problems[0]?.message).toContain("do not authenticate");
  });

  it("tells of a store that does not answer, and is read by the next call", async () => {
    let fails = true;
    const { reader } = readerOf({
      ...store,
      get: (key, range) => (fails ? Promise.reject(new Error("no answer")) : store.get(key, range)),
    });
    await expect(reader.read([record])).rejects.toThrow("no answer");
    fails = false;
    expect((await reader.read([record])).count).toBe(rowCount);
  });
});

describe("SectionRun", () => {
  it("refuses rows out of order, repeated rows, and segments that the state does not have", () => {
    const prefixes = new Uint8Array(3 * indexPrefixBytes);
    for (const row of [0, 1, 2]) prefixes[row * indexPrefixBytes + 19] = row;
    const run = (prefixBytes: Uint8Array, columns = new Uint8Array(36)) =>
      new SectionRun({ prefixes: prefixBytes, columns, ordinals: new Uint32Array(1), subject: "it" });
    expect(run(prefixes).find(prefixes, indexPrefixBytes)).toBe(1);
    expect(() => run(prefixes.toReversed())).toThrow("ascending");
    expect(() => run(new Uint8Array(3 * indexPrefixBytes))).toThrow("ascending");
    expect(() => run(prefixes, Uint8Array.of(1, ...new Uint8Array(35)))).toThrow("not in the tables");
    expect(() => run(prefixes, new Uint8Array(35))).toThrow("wrong length");
  });
});
