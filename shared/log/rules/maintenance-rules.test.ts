import { describe, expect, it } from "vitest";
import type { LogEvent } from "#shared/format/log-entry.ts";
import { foldEntry } from "#shared/log/fold-entry.ts";
import { testCommit, testEntry, testId, testPack, testStoreId } from "#shared/log/log.fixtures.ts";
import { emptyLogState, type LogState } from "#shared/log/log-state.ts";
import { NeededPacks } from "#shared/log/needed-packs.ts";
import { checkCheckpoint } from "./check-checkpoint.ts";
import { checkCondemn } from "./check-condemn.ts";
import { checkRelocate, type RelocateEvent, type RelocateFacts } from "./check-relocate.ts";
import { checkRevive } from "./check-revive.ts";
import { checkSweep, type SweepFacts } from "./check-sweep.ts";

const p = testPack("p").pack;
const q = testPack("q").pack;
const n = testPack("n").pack;
const [a, b] = ["a", "b"].map((each) => testId("state", each)) as [never, never];
const all = Uint8Array.of(0b11);

function fold(...entries: readonly (readonly LogEvent[])[]): LogState {
  return entries.reduce(
    (state: LogState, events) => foldEntry(state, testEntry(state, events)),
    emptyLogState(testStoreId),
  );
}

const condemn = (...packs: readonly (typeof p)[]) =>
  ({ type: "condemn", packs: packs.map((each) => each.packId) }) as const;
const move: RelocateEvent = { type: "relocate", from: [{ packId: p.packId, segments: all }], to: [n] };

describe("checkCondemn", () => {
  const state = fold([testCommit("a"), testCommit("b"), { type: "remove", snapshots: [b] }]);
  const needed = new NeededPacks();
  needed.add(a, [{ packId: p.packId, segments: all }]);

  it("allows packs that no live snapshot needs, those of no state among them", () => {
    expect(checkCondemn(state, condemn(q, n), needed.facts(state))).toBeUndefined();
  });

  it("names every pack that a live snapshot needs", () => {
    expect(checkCondemn(state, condemn(p, q), needed.facts(state))).toMatchObject({
      rule: "condemned-packs-are-unneeded",
      ids: [p.packId],
    });
  });

  it("refuses facts that lack a live snapshot, and asks nothing about removed ones", () => {
    expect(checkCondemn(state, condemn(q), new NeededPacks().facts(state))).toMatchObject({
      rule: "live-snapshots-are-known",
      kind: "conflict",
      ids: [a],
    });
  });

  it("refuses facts from before a relocation", () => {
    const later = foldEntry(state, testEntry(state, [move]));
    expect(checkCondemn(later, condemn(p), needed.facts(state))).toMatchObject({ rule: "live-snapshots-are-known" });
    expect(checkCondemn(later, condemn(p), needed.facts(later))).toBeUndefined();
    expect(checkCondemn(later, condemn(n), needed.facts(later))).toMatchObject({
      rule: "condemned-packs-are-unneeded",
    });
  });

  it("refuses what is condemned, swept, named twice, or nothing", () => {
    const condemned = fold([condemn(p)]);
    const swept = fold([condemn(p)], [{ type: "sweep", packs: [p.packId], states: [] }]);
    expect(checkCondemn(condemned, condemn(p))).toMatchObject({ rule: "condemned-packs-are-live" });
    expect(checkCondemn(swept, condemn(p))).toMatchObject({ rule: "condemned-packs-are-live" });
    expect(checkCondemn(state, condemn(p, p))).toMatchObject({ rule: "packs-are-named-once" });
    expect(checkCondemn(state, condemn())).toMatchObject({ rule: "packs-are-named-once" });
  });
});

describe("checkRevive", () => {
  it("allows condemned packs only", () => {
    const state = fold([condemn(p)]);
    expect(checkRevive(state, { type: "revive", packs: [p.packId] })).toBeUndefined();
    expect(checkRevive(state, { type: "revive", packs: [p.packId, q.packId] })).toMatchObject({
      rule: "revived-packs-are-condemned",
      ids: [q.packId],
    });
  });
});

describe("checkSweep", () => {
  const sweep = (packs: readonly (typeof p)[], states: readonly (typeof a)[] = []) =>
    ({ type: "sweep", packs: packs.map((each) => each.packId), states }) as const;
  const condemnedMs = 1_700_000_000_000;
  const facts = (change: Partial<SweepFacts> = {}): SweepFacts => ({
    graceMs: 1000,
    timeMs: condemnedMs + 1000,
    storeAgeMs: () => undefined,
    packsOf: () => [p, q],
    ...change,
  });

  it("waits for the end of the grace period, by the times of the entries, and trusts no clock for more", () => {
    const state = fold([condemn(p)]);
    expect(checkSweep(state, sweep([p]), facts())).toBeUndefined();
    const early = facts({ timeMs: condemnedMs + 999 });
    expect(checkSweep(state, sweep([p]), early)).toMatchObject({ rule: "sweep-waits-for-grace", ids: [p.packId] });
    expect(checkSweep(state, sweep([p]), facts({ timeMs: 0 }))).toMatchObject({ rule: "sweep-waits-for-grace" });
    const ages = [999, 1000].map((ageMs) => checkSweep(state, sweep([p]), facts({ storeAgeMs: () => ageMs })));
    expect(ages).toMatchObject([{ rule: "sweep-waits-for-grace", ids: [p.packId] }, undefined]);
    expect(checkSweep(state, sweep([p])), "published history").toBeUndefined();
    expect(checkSweep(state, sweep([q]), facts())).toMatchObject({ rule: "swept-packs-are-condemned" });
  });

  it("takes states that were never published, and those of removed snapshots once all they added is swept", () => {
    const removed = fold([testCommit("a"), { type: "remove", snapshots: [a] }, condemn(p)]);
    expect(checkSweep(removed, sweep([], [b]), facts())).toBeUndefined();
    expect(checkSweep(removed, sweep([p], [a]), facts())).toMatchObject({ rule: "swept-states-are-empty", ids: [a] });
    expect(checkSweep(removed, sweep([p], [a]), facts({ packsOf: () => [p] }))).toBeUndefined();
  });

  it("keeps a state as long as something that it added lives on in another pack", () => {
    const moved = fold([testCommit("a"), { type: "remove", snapshots: [a] }, move, condemn(p)]);
    const own = facts({ packsOf: () => [p] });
    expect(checkSweep(moved, sweep([p], [a]), own)).toMatchObject({ rule: "swept-states-are-empty" });
    const both = foldEntry(moved, testEntry(moved, [condemn(n)]));
    const later = { ...own, timeMs: condemnedMs + 2000 };
    expect(checkSweep(both, sweep([p, n], [a]), later)).toBeUndefined();
    expect(checkSweep(both, sweep([n], [a]), later)).toBeUndefined();
  });

  it("refuses the state of a live snapshot, or one that is swept already", () => {
    const state = fold([testCommit("a"), { type: "sweep", packs: [], states: [b] }]);
    expect(checkSweep(state, sweep([], [a]))).toMatchObject({ rule: "swept-states-are-hidden" });
    expect(checkSweep(state, sweep([], [b]))).toMatchObject({ rule: "swept-states-are-hidden" });
  });

  it("takes the snapshot of a swept state out of the list, and its packs out of the condemned ones", () => {
    const state = fold(
      [testCommit("a"), { type: "remove", snapshots: [a] }, condemn(p, q)],
      [{ type: "sweep", packs: [p.packId], states: [a] }],
    );
    expect([...state.snapshots.keys()]).toEqual([]);
    expect([...state.snapshotOfCommit.keys()]).toEqual([]);
    expect([...state.condemned.keys()]).toEqual([q.packId]);
    expect([...state.swept]).toEqual([[p.packId, 2]]);
    expect([...state.sweptStates]).toEqual([[a, 2]]);
  });
});

describe("checkRelocate", () => {
  const state = fold([testCommit("a")]);
  // The tables of all test packs name the same segments, so each may take the place of another.
  const facts: RelocateFacts = { packOf: () => ({ kind: p.kind, table: p.table }), isWhole: () => true };

  it("allows rows that are the same segments, in a whole new pack", () => {
    expect(checkRelocate(state, move, facts)).toBeUndefined();
  });

  it.each<[string, RelocateEvent, Partial<RelocateFacts>, string]>([
    ["a pack that is not whole", move, { isWhole: () => false }, "placed-packs-are-whole"],
    ["an unknown pack", move, { packOf: () => undefined }, "relocated-segments-are-the-same"],
    [
      "a pack of another kind",
      move,
      { packOf: () => ({ kind: "meta", table: p.table }) },
      "relocated-segments-are-the-same",
    ],
    [
      "another segment",
      move,
      { packOf: () => ({ kind: p.kind, table: Uint8Array.from(p.table).fill(9, 0, 24) }) },
      "relocated-segments-are-the-same",
    ],
    [
      "rows beyond the old table",
      { ...move, from: [{ packId: p.packId, segments: Uint8Array.of(0b110) }] },
      {},
      "relocated-segments-are-the-same",
    ],
    [
      "fewer rows than come",
      { ...move, from: [{ packId: p.packId, segments: Uint8Array.of(1) }] },
      {},
      "relocated-rows-are-as-many",
    ],
    ["a pack onto itself", { ...move, to: [p] }, {}, "relocation-names-each-once"],
    ["nothing", { ...move, from: [], to: [] }, {}, "relocation-names-each-once"],
  ])("refuses %s", (_name, event, change, rule) => {
    expect(checkRelocate(state, event, { ...facts, ...change })).toMatchObject({ rule });
  });

  it("refuses old packs that are not live, and new packs that are not new", () => {
    const after = (...events: readonly LogEvent[]): unknown => checkRelocate(fold([...events]), move);
    const sweep = (packId: typeof p.packId): LogEvent => ({ type: "sweep", packs: [packId], states: [] });
    expect(after(condemn(p))).toMatchObject({ rule: "relocated-packs-are-live" });
    expect(after(condemn(p), sweep(p.packId))).toMatchObject({ rule: "relocated-packs-are-live" });
    expect(after({ ...move, to: [q] })).toMatchObject({ rule: "relocated-packs-are-live" });
    expect(after(condemn(n))).toMatchObject({ rule: "placed-packs-are-new" });
    expect(after(condemn(n), sweep(n.packId))).toMatchObject({ rule: "placed-packs-are-new" });
    expect(after({ ...move, from: [{ packId: q.packId, segments: all }] })).toMatchObject({
      rule: "placed-packs-are-new",
    });
  });
});

describe("checkCheckpoint", () => {
  const state = fold(
    [testCommit("a")],
    [testCommit("b")],
    [{ type: "checkpoint", seq: 1, sha256: new Uint8Array(32) }],
  );
  const sha256 = new Uint8Array(32).fill(1);
  const event = { type: "checkpoint", seq: 2, sha256 } as const;
  const facts = { head: { storeId: testStoreId, seq: 2, entrySha256: sha256 }, sha256, entrySha256: sha256 };

  it("allows one that folds more than the last, and whose head says the same", () => {
    expect(checkCheckpoint(state, event, facts)).toBeUndefined();
  });

  it("refuses one of the future, one that goes back, and a head of something else", () => {
    expect(checkCheckpoint(state, { ...event, seq: 4 })).toMatchObject({ rule: "checkpoints-ascend", kind: "invalid" });
    expect(checkCheckpoint(state, { ...event, seq: 1 })).toMatchObject({
      rule: "checkpoints-ascend",
      kind: "conflict",
    });
    const other = new Uint8Array(32);
    for (const change of [{ sha256: other }, { entrySha256: other }, { head: { ...facts.head, seq: 1 } }])
      expect(checkCheckpoint(state, event, { ...facts, ...change })).toMatchObject({
        rule: "checkpoint-matches-its-head",
      });
  });
});
