import { describe, expect, it } from "vitest";
import type { PackId } from "#shared/format/ids.ts";
import type { StateHead } from "#shared/format/state.ts";
import { testId, testPack, testState, testStoreId } from "#shared/log/log.fixtures.ts";
import { emptyLogState, type LogState } from "#shared/log/log-state.ts";
import { checkCommit, type CommitEvent } from "./check-commit.ts";

const empty = emptyLogState(testStoreId);
const own = testPack("own").pack;
const old = testPack("old").pack;

function eventOf(head: StateHead, revive: readonly PackId[] = []): CommitEvent {
  const stateId = testId("state", "a");
  return { type: "commit", stateId, commitId: head.commitId, headBytes: 100, stateBytes: 200, revive };
}

function check(options: {
  head?: Partial<StateHead>;
  event?: Partial<CommitEvent>;
  state?: Partial<LogState>;
  whole?: readonly PackId[];
}): unknown {
  const { head } = testState("a", { packs: [own], references: [own.packId, old.packId] });
  const whole = options.whole ?? [own.packId, old.packId];
  const facts = { head: { ...head, ...options.head }, isWhole: (packId: PackId) => whole.includes(packId) };
  return checkCommit({ ...empty, seq: 5, ...options.state }, { ...eventOf(head), ...options.event }, facts);
}

const condemned = empty.condemned.with(old.packId, { seq: 1, timeMs: 0 });

describe("checkCommit with the facts of a state", () => {
  it("allows a state whose packs are whole and live", () => {
    expect(check({})).toBeUndefined();
  });

  it.each<[string, Parameters<typeof check>[0], object]>([
    [
      "whose new pack is not known to be whole",
      { whole: [old.packId] },
      { rule: "commit-packs-are-whole", kind: "absent", ids: [own.packId] },
    ],
    [
      "that references a pack not known to be whole",
      { whole: [own.packId] },
      { rule: "commit-packs-are-whole", kind: "absent", ids: [old.packId] },
    ],
    [
      "that references a swept pack",
      { state: { swept: empty.swept.with(old.packId, 3) } },
      { rule: "packs-are-not-swept", kind: "conflict", ids: [old.packId] },
    ],
    [
      "that adds a swept pack",
      { state: { swept: empty.swept.with(own.packId, 3) } },
      { rule: "packs-are-not-swept", kind: "conflict", ids: [own.packId] },
    ],
    [
      "that adds a swept pack and references none",
      { state: { swept: empty.swept.with(own.packId, 3) }, head: { references: [] } },
      { rule: "packs-are-not-swept" },
    ],
    [
      "that needs a condemned pack and does not revive it",
      { state: { condemned } },
      { rule: "condemned-packs-are-revived", kind: "conflict", ids: [old.packId] },
    ],
    [
      "of another store",
      { head: { storeId: "f".repeat(32) as StateHead["storeId"] } },
      { rule: "commit-matches-its-state" },
    ],
    ["of another commit", { head: { commitId: testId("commit", "b") } }, { rule: "commit-matches-its-state" }],
    ["based on entries that the log does not have", { head: { baseSeq: 6 } }, { rule: "commit-base-is-folded" }],
    [
      "that references a segment beyond the end of its own pack",
      { head: { references: [{ packId: own.packId, segments: Uint8Array.of(0b100) }] } },
      { rule: "commit-segments-exist", ids: [own.packId] },
    ],
  ])("refuses a state %s", (_name, options, expected) => {
    expect(check(options)).toMatchObject(expected);
  });

  it("allows a condemned pack that the event revives", () => {
    expect(check({ state: { condemned }, event: { revive: [old.packId] } })).toBeUndefined();
  });

  it("refuses to revive one pack twice", () => {
    const revive = [old.packId, old.packId];
    expect(check({ state: { condemned }, event: { revive } })).toMatchObject({ rule: "revived-packs-are-condemned" });
  });

  it("asks for no facts about published history", () => {
    const { head } = testState("a", { packs: [own] });
    expect(checkCommit({ ...empty, swept: empty.swept.with(own.packId, 3) }, eventOf(head))).toBeUndefined();
  });
});
