import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { HoldfastError } from "#shared/errors.ts";
import { verifySignature } from "#shared/crypto/signing.ts";
import { decodeCheckpointHead, encodeCheckpointHead } from "#shared/format/checkpoint.ts";
import { decodeFoldSection, encodeFoldSection } from "#shared/format/fold-section.ts";
import type { CommitId, StateId } from "#shared/format/ids.ts";
import { decodeLogEntry, type LogEvent } from "#shared/format/log-entry.ts";
import { foldFromCheckpoint, foldToCheckpoint } from "./checkpoint-fold.ts";
import { foldEntry, type StoredEntry, withAttempt } from "./fold-entry.ts";
import { IdMap } from "./id-map.ts";
import { testCommit, testEntry, testId, testSigner, testStoreId } from "./log.fixtures.ts";
import { emptyLogState, type LogState, type RecentAttempts, seqOfAttempt } from "./log-state.ts";

const empty = emptyLogState(testStoreId);

function fold(...entries: readonly (readonly LogEvent[])[]): LogState {
  return entries.reduce((state: LogState, events) => foldEntry(state, testEntry(state, events)), empty);
}

function errorOf(action: () => unknown): HoldfastError {
  try {
    action();
  } catch (error) {
    if (error instanceof HoldfastError) return error;
    throw error;
  }
  throw new Error("nothing was thrown");
}

const snapshotA = testId("state", "a");
const remove = (...names: readonly string[]): LogEvent => ({
  type: "remove",
  snapshots: names.map((each) => testId("state", each)),
});
const undelete = (...names: readonly string[]): LogEvent => ({
  type: "undelete",
  revive: [],
  snapshots: names.map((each) => testId("state", each)),
});

describe("foldEntry", () => {
  it("publishes, removes and brings back a snapshot, and leaves older states as they were", () => {
    const one = fold([testCommit("a")]);
    const two = foldEntry(one, testEntry(one, [remove("a")]));
    const three = foldEntry(two, testEntry(two, [undelete("a")]));
    const published = {
      stateId: snapshotA,
      commitId: testId("commit", "a"),
      seq: 1,
      timeMs: 1_700_000_000_000,
      headBytes: 1000,
      stateBytes: 1500,
    };
    expect(one.snapshots.get(snapshotA)).toEqual(published);
    expect(two.snapshots.get(snapshotA)).toEqual({ ...published, removed: { seq: 2, timeMs: 1_700_000_000_001 } });
    expect(three.snapshots.get(snapshotA)).toEqual(published);
    expect(Object.keys(three.snapshots.get(snapshotA) ?? {})).not.toContain("removed");
    expect(empty.snapshots.size).toBe(0);
    expect(three.seq).toBe(3);
  });

  it("judges the events of one entry in order, each after the ones before it", () => {
    const state = fold([testCommit("a"), remove("a"), undelete("a"), remove("a"), testCommit("b")]);
    expect(state.snapshots.get(snapshotA)?.removed?.seq).toBe(1);
    expect(errorOf(() => fold([remove("a"), testCommit("a")])).detail).toMatchObject({ event: 0 });
  });

  it("takes what a commit revives out of the condemned packs", () => {
    const packs = ["p", "q"].map((each) => testId("pack", each));
    let condemned = empty.condemned;
    for (const each of packs) condemned = condemned.with(each, { seq: 0, timeMs: 0 });
    const state = { ...empty, condemned };
    const after = foldEntry(state, testEntry(state, [testCommit("a", [testId("pack", "q")])]));
    expect([...after.condemned.keys()]).toEqual([testId("pack", "p")]);
  });

  it.each([
    ["another store", { storeId: "ffeeddccbbaa99887766554433221100" }, /belongs to store ffee/],
    ["another number", { seq: 3 }, /says that it is entry 3/],
    [
      "another entry before it",
      { prev: new Uint8Array(32).fill(1) },
      /follows an entry with hash 0101.* entry 1 has hash/,
    ],
  ])("refuses an entry of %s and names its key", (_name, change, message) => {
    const state = fold([testCommit("a")]);
    const error = errorOf(() => foldEntry(state, testEntry(state, [testCommit("b")], change as object)));
    expect(error.kind).toBe("corrupt");
    expect(error.message).toMatch(message);
    expect(error.detail).toMatchObject({ key: "log/00000000000000000002", seq: 2 });
  });

  it.each<[string, readonly LogEvent[], object]>([
    ["an entry without events", [], { rule: "entry-has-events", event: -1 }],
    ["a state published twice", [testCommit("a")], { rule: "commit-state-is-new", event: 0 }],
    [
      "a commit id used twice",
      [{ ...testCommit("c"), commitId: testId("commit", "a") }],
      { rule: "commit-id-is-new", event: 0, ids: [snapshotA] },
    ],
    [
      "a state shorter than its head",
      [{ ...testCommit("c"), stateBytes: 999 }],
      { rule: "commit-lengths-are-in-order", event: 0 },
    ],
    [
      "a revival of what is not condemned",
      [testCommit("c", [testId("pack", "p")])],
      { rule: "revived-packs-are-condemned", event: 0, ids: [testId("pack", "p")] },
    ],
    ["a removal of nothing", [{ type: "remove", snapshots: [] }], { rule: "snapshots-are-named-once" }],
    ["a removal of one snapshot twice", [remove("a", "a")], { rule: "snapshots-are-named-once" }],
    ["a removal of an unknown snapshot", [testCommit("c"), remove("x")], { rule: "snapshots-are-published", event: 1 }],
    ["a removal of a removed snapshot", [remove("b")], { rule: "snapshots-are-not-removed", event: 0 }],
    ["an undeletion of a live snapshot", [undelete("a")], { rule: "snapshots-are-removed", event: 0 }],
    ["an undeletion of an unknown snapshot", [undelete("x")], { rule: "snapshots-are-published", event: 0 }],
  ])("refuses %s and names event and rule", (_name, events, detail) => {
    const state = fold([testCommit("a"), testCommit("b")], [remove("b")]);
    const error = errorOf(() => foldEntry(state, testEntry(state, events)));
    expect(error.kind).toBe("corrupt");
    expect(error.detail).toMatchObject({ key: "log/00000000000000000003", ...detail });
  });

  it("refuses an entry whose commit id a recent entry carries", () => {
    const state = fold([testCommit("a")]);
    const again = testEntry(state, [testCommit("b")], { commitId: testId("commit", "entry 1") });
    expect(errorOf(() => foldEntry(state, again)).detail).toMatchObject({ rule: "entry-attempt-is-new", event: -1 });
  });

  it("refuses an event that it does not know as incompatible", () => {
    const unknown = { ...testEntry(empty, [testCommit("a")]) };
    const entry = { ...unknown.entry, events: [{ type: "transmute" } as unknown as LogEvent] };
    expect(errorOf(() => foldEntry(empty, { ...unknown, entry })).kind).toBe("incompatible");
  });

  it("remembers the commit ids of the last 512 entries at least, and of the last 1024 at most", () => {
    let attempts: RecentAttempts = { older: IdMap.empty<CommitId, number>(), newer: IdMap.empty<CommitId, number>() };
    for (let seq = 1; seq <= 2100; seq++) {
      attempts = withAttempt(attempts, seq, testId("commit", `entry ${seq}`));
      const state = { ...empty, attempts };
      const oldest = Math.max(1, seq - 511);
      if (seqOfAttempt(state, testId("commit", `entry ${oldest}`)) !== oldest)
        expect.fail(`${oldest} forgotten at ${seq}`);
      expect(attempts.older.size + attempts.newer.size).toBeLessThanOrEqual(1024);
    }
  });
});

/** Random histories: every step is a legal entry, chosen by numbers from what the state allows. */
const history = fc.array(fc.array(fc.nat(), { minLength: 1, maxLength: 4 }), { minLength: 1, maxLength: 30 });

function grow(choices: readonly (readonly number[])[]): { entries: StoredEntry[]; states: LogState[] } {
  const entries: StoredEntry[] = [];
  const states: LogState[] = [empty];
  let state = empty;
  for (const numbers of choices) {
    const live = [...state.snapshots.values()].filter((each) => each.removed === undefined).map((each) => each.stateId);
    const removed = [...state.snapshots.values()].filter((each) => each.removed).map((each) => each.stateId);
    const events: LogEvent[] = [];
    for (const [index, number] of numbers.entries()) {
      const pick = (from: StateId[]): StateId[] => from.splice(number % from.length, 1);
      if (number % 3 === 1 && live.length > 0) events.push({ type: "remove", snapshots: pick(live) });
      else if (number % 3 === 2 && removed.length > 0)
        events.push({ type: "undelete", snapshots: pick(removed), revive: [] });
      else events.push(testCommit(`${state.seq}/${index}`));
    }
    const stored = testEntry(state, events);
    const entry = decodeLogEntry(stored.bytes, "an entry", verifySignature);
    entries.push({ entry, sha256: stored.sha256 });
    state = foldEntry(state, { entry, sha256: stored.sha256 });
    states.push(state);
  }
  return { entries, states };
}

function bytesOf(state: LogState): string {
  const head = { ...foldToCheckpoint(state), timeMs: 0, author: testSigner.publicKey, sections: [] };
  const bytes = [encodeCheckpointHead(head, () => new Uint8Array(64)), encodeFoldSection(head.section)];
  return Buffer.concat(bytes).toString("hex");
}

describe("the fold", () => {
  it("is the same from the first entry as from a checkpoint anywhere", () => {
    fc.assert(
      fc.property(history, fc.nat(), (choices, cut) => {
        const { entries, states } = grow(choices);
        const at = 1 + (cut % entries.length);
        const state = states[at];
        if (state === undefined) throw new Error("no state");
        const head = { ...foldToCheckpoint(state), timeMs: 1, author: testSigner.publicKey, sections: [] };
        const bytes = encodeCheckpointHead(head, (message) => testSigner.sign(message));
        const section = decodeFoldSection(encodeFoldSection(foldToCheckpoint(state).section), state.seq, "a section");
        const resumed = foldFromCheckpoint({
          ...decodeCheckpointHead(bytes, "a checkpoint", verifySignature),
          section,
        });
        const whole = entries.reduce(foldEntry, empty);
        const tail = entries.slice(at).reduce(foldEntry, resumed);
        expect(bytesOf(tail)).toBe(bytesOf(whole));
        expect([...tail.snapshotOfCommit]).toEqual([...whole.snapshotOfCommit]);
        expect([...tail.attempts.older]).toEqual([...whole.attempts.older]);
      }),
      { numRuns: 60 },
    );
  });

  it("is the same from a checkpoint around the turn of the remembered commit ids, with condemned and swept packs", () => {
    let state: LogState = {
      ...empty,
      condemned: empty.condemned.with(testId("pack", "c"), { seq: 1, timeMs: 5 }),
      swept: empty.swept.with(testId("pack", "s"), 1),
    };
    const states: LogState[] = [];
    const entries: StoredEntry[] = [];
    for (let seq = 1; seq <= 1030; seq++) {
      const stored = testEntry(state, [testCommit(`${seq}`)]);
      entries.push(stored);
      state = foldEntry(state, stored);
      states.push(state);
    }
    for (const at of [1, 511, 512, 513, 1023, 1024, 1025]) {
      const from = states[at - 1];
      if (from === undefined) throw new Error("no state");
      const resumed = foldFromCheckpoint(foldToCheckpoint(from));
      expect(bytesOf(entries.slice(at).reduce(foldEntry, resumed))).toBe(bytesOf(state));
    }
  });
});
