import { describe, expect, it } from "vitest";
import { sha256 } from "#shared/crypto/sha256.ts";
import { idFromBytes, type PackId, parseId } from "#shared/format/ids.ts";
import { encodePackTable } from "#shared/format/pack.ts";
import type { PackKind } from "#shared/format/segment.ts";
import type { StatePack } from "#shared/format/state.ts";
import { emptyLogState, type LogState } from "#shared/log/log-state.ts";
import { testId } from "#shared/log/log.fixtures.ts";
import { idToBytes } from "#shared/format/ids.ts";
import type { CompactionLimits, CompactionPlan } from "./compaction-plan.ts";
import { PackCensus } from "./pack-census.ts";
import { planCompaction } from "./plan-compaction.ts";

const storeId = parseId("store", "00112233445566778899aabbccddeeff");
const log = emptyLogState(storeId);
const packBytes = 1_000_000;

/** A pack of `rows` segments of about `rowBytes`, of which `live` are needed. */
type Sketch = { name: string; kind?: PackKind; rows?: number; rowBytes?: number; live?: number };

function packOf({ name, kind = "data", rows = 10, rowBytes = 100_000 }: Sketch): StatePack {
  const table = encodePackTable(
    Array.from({ length: rows }, (_each, row) => ({
      segmentId: sha256(Buffer.from(`${name}/${row}`)).subarray(0, 24),
      sessionId: new Uint8Array(16),
      segmentOffset: 48 + row * rowBytes,
      segmentBytes: rowBytes,
      directoryOffset: 48 + rows * rowBytes,
      directoryBytes: 0,
    })),
  );
  return { packId: idOf(name), kind, sizeBytes: 192 + rows * (rowBytes + 56), table };
}

function idOf(name: string): PackId {
  return idFromBytes("pack", sha256(Buffer.from(name)));
}

function bitmap(rows: number): Uint8Array {
  const bits = new Uint8Array(Math.ceil(rows / 8));
  for (let row = 0; row < rows; row++) bits[row >>> 3] = (bits[row >>> 3] ?? 0) | (1 << (row & 7));
  return bits;
}

function censusOf(sketches: readonly Sketch[]): PackCensus {
  const census = new PackCensus();
  for (const sketch of sketches) {
    census.addPack(packOf(sketch));
    const bits = bitmap(sketch.live ?? sketch.rows ?? 10);
    if (bits.byteLength > 0) census.addReference(idToBytes(idOf(sketch.name)), 0, bits, 0, bits.byteLength);
  }
  census.cover(testId("state", "all"));
  return census;
}

function plan(sketches: readonly Sketch[], limits?: Partial<CompactionLimits>, state: LogState = log): CompactionPlan {
  const read = { census: censusOf(sketches), unreadable: [] };
  return planCompaction(read, { log: state, packBytes, ...(limits === undefined ? {} : { limits }) });
}

const names = (planned: CompactionPlan, sketches: readonly Sketch[]) =>
  sketches.filter((each) => planned.packs.includes(idOf(each.name))).map((each) => each.name);
const many = (count: number, sketch: Omit<Sketch, "name">, prefix = "p") =>
  Array.from({ length: count }, (_each, index) => ({ ...sketch, name: `${prefix}${index}` }));

describe("planCompaction", () => {
  it("takes every pack of which less than the share is needed, however little waste there is in all", () => {
    const packs = [...many(100, {}), { name: "sparse", live: 5 }, { name: "dense", live: 7 }];
    expect(names(plan(packs), packs)).toEqual(["sparse"]);
  });

  it("takes those with the most waste besides, until so little is left as is allowed", () => {
    const packs = [...many(10, { live: 8 }, "b"), ...many(10, { live: 7 }, "a"), ...many(10, {}, "full")];
    const taken = names(plan(packs), packs);
    expect(taken.filter((each) => each.startsWith("a")).length).toBe(10);
    expect(taken.filter((each) => each.startsWith("full"))).toEqual([]);
    const planned = plan(packs, { wasteShare: 0.1 });
    // Five of 30 tenths are dead; a third of that may stay.
    expect(names(planned, packs).every((each) => each.startsWith("a"))).toBe(true);
    expect(planned.needed.deadBytes).toBeGreaterThan(0);
  });

  it("leaves alone what the log does not let go, what nobody needs, and what is said in two ways", () => {
    const sketches = ["condemned", "swept", "relocated", "twofold", "beyond", "fine"].map((name) => ({
      name,
      live: 3,
    }));
    const state: LogState = {
      ...log,
      condemned: log.condemned.with(idOf("condemned"), { seq: 1, timeMs: 1 }),
      swept: log.swept.with(idOf("swept"), 1),
      relocated: log.relocated.with(idOf("relocated"), { seq: 1, segments: Uint8Array.of(8), runs: [] }),
    };
    const census = censusOf([...sketches, { name: "unneeded", live: 0 }]);
    census.addPack({ ...packOf({ name: "twofold" }), sizeBytes: 5 });
    census.addReference(idToBytes(idOf("beyond")), 0, Uint8Array.of(0, 128), 0, 2);
    const planned = planCompaction({ census, unreadable: [] }, { log: state, packBytes });
    expect(names(planned, sketches)).toEqual(["fine"]);
    expect(planned.packs.length).toBe(1);
  });

  it("groups packs of one kind, the old with the old, into packs of about the target size", () => {
    const packs = [...many(20, { live: 4 }), ...many(20, { live: 4, kind: "meta" }, "m")];
    const planned = plan(packs);
    expect(planned.groups.map((each) => each.kind)).toEqual([
      ...Array<string>(7).fill("meta"),
      ...Array<string>(7).fill("data"),
    ]);
    for (const group of planned.groups.slice(0, 6)) {
      expect(group.newBytes).toBeGreaterThanOrEqual(packBytes);
      expect(group.newBytes).toBeLessThan(packBytes * 1.6);
    }
    const order = planned.groups.flatMap((each) =>
      each.packs.map((pack) => packs.findIndex((sketch) => idOf(sketch.name) === pack.packId)),
    );
    expect(order).toEqual([...Array(20).keys()].map((each) => each + 20).concat([...Array(20).keys()]));
    expect(planned.bytesToRead).toBe(40 * (192 + 10 * 100_056));
    expect(planned.bytesFreed).toBeGreaterThan(planned.bytesToRead * 0.55);
    expect(planned.requests.gets).toBe(40);
  });

  it("merges small packs of about one size, but does not copy a large one for the sake of a few small ones", () => {
    expect(plan(many(3, { rows: 1, rowBytes: 1000 })).groups).toEqual([]);
    expect(plan(many(4, { rows: 1, rowBytes: 1000 })).groups.length).toBe(1);
    const tail = [...many(4, { rows: 1, rowBytes: 1000 }), { name: "larger", rows: 1, rowBytes: 200_000 }];
    expect(names(plan(tail), tail)).toEqual(["p0", "p1", "p2", "p3"]);
    expect(
      plan([...many(2, { rows: 1, rowBytes: 1000 }), ...many(2, { rows: 1, rowBytes: 1000, kind: "meta" }, "m")])
        .groups,
    ).toEqual([]);
  });

  it("is done with a store at some point: day after day of small packs costs few copies", () => {
    let packs: Sketch[] = [];
    let [stored, copied] = [0, 0];
    for (let day = 0; day < 400; day++) {
      packs.push({ name: `day ${day}`, rows: 1, rowBytes: 10_000 });
      stored += 10_000;
      for (const [index, group] of plan(packs).groups.entries()) {
        copied += group.newBytes;
        const gone = new Set(group.packs.map((each) => each.packId));
        packs = packs.filter((each) => !gone.has(idOf(each.name)));
        packs.push({ name: `merged on ${day}, ${index}`, rows: 1, rowBytes: group.newBytes });
      }
    }
    // A pack is no longer small at a quarter of a million bytes: five doublings from ten thousand.
    expect(copied / stored).toBeLessThan(4);
    expect(packs.length).toBeLessThan(30);
  });

  it("reads and takes no more than its limits, and those with the most waste then", () => {
    const packs = [...many(50, { live: 5 }, "half"), ...many(50, { live: 2 }, "fifth")];
    const planned = plan(packs, { packsMax: 60 });
    const taken = names(planned, packs);
    expect(taken.filter((each) => each.startsWith("fifth")).length).toBe(50);
    expect(taken.length).toBe(60);
    expect(planned.left.packs).toBe(40);
    const bytes = plan(packs, { readBytesMax: 30_000_000 });
    expect(bytes.bytesToRead).toBeLessThanOrEqual(30_000_000);
    expect(names(bytes, packs).every((each) => each.startsWith("fifth"))).toBe(true);
    expect(bytes.left.packs + bytes.packs.length).toBe(100);
  });

  it("plans nothing while a live snapshot is unreadable", () => {
    const stateId = testId("state", "lost");
    const record = { stateId, commitId: testId("commit", "lost"), seq: 1, timeMs: 1, headBytes: 1, stateBytes: 1 };
    const state = { ...log, snapshots: log.snapshots.with(stateId, record) };
    const error = new Error("it is gone") as never;
    const read = { census: censusOf([{ name: "sparse", live: 1 }]), unreadable: [{ stateId, error }] };
    expect(planCompaction(read, { log: state, packBytes })).toMatchObject({ groups: [], unreadable: [stateId] });
    const removed = { ...log, snapshots: log.snapshots.with(stateId, { ...record, removed: { seq: 2, timeMs: 2 } }) };
    expect(planCompaction(read, { log: removed, packBytes }).groups.length).toBe(1);
  });
});

describe("PackCensus", () => {
  it("counts what was moved where it is now, over several moves, and what was left where it was", () => {
    const [a, b, c] = ["a", "b", "c"].map((name) => packOf({ name, rows: 4 })) as [StatePack, StatePack, StatePack];
    const census = new PackCensus();
    for (const each of [a, b, c]) census.addPack(each);
    census.addReference(idToBytes(a.packId), 0, Uint8Array.of(0b1111), 0, 1);
    const move = (from: StatePack, rows: number, to: StatePack, count: number) =>
      [
        from.packId,
        { seq: 1, segments: Uint8Array.of(rows), runs: [{ packId: to.packId, firstRow: 1, rows: count }] },
      ] as const;
    const once = { relocated: log.relocated.with(...move(a, 0b1010, b, 2)) };
    const twice = { relocated: once.relocated.with(...move(b, 0b0010, c, 1)) };
    const rows = (state: Pick<LogState, "relocated">) =>
      [a, b, c].map((each) => census.liveRows(state, each.packId)[0] ?? 0);
    expect(rows(log)).toEqual([0b1111, 0, 0]);
    expect(rows(once)).toEqual([0b0101, 0b0110, 0]);
    expect(rows(twice)).toEqual([0b0101, 0b0100, 0b0010]);
    census.addReference(idToBytes(b.packId), 0, Uint8Array.of(0b1000), 0, 1);
    expect(rows(twice)).toEqual([0b0101, 0b1100, 0b0010]);
    expect([...census.packs(twice)].map((each) => [each.liveRowCount, each.liveBytes, each.deadBytes])).toEqual([
      [2, 200_112, 200_112],
      [2, 200_112, 200_112],
      [1, 100_056, 300_168],
    ]);
  });
});
