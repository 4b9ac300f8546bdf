import { describe, expect, it } from "vitest";
import { foldEntry } from "#shared/log/fold-entry.ts";
import { testCommit, testEntry, testId, testStoreId } from "#shared/log/log.fixtures.ts";
import { emptyLogState, type LogState } from "#shared/log/log-state.ts";
import { checkUndelete } from "./check-undelete.ts";

const stateId = testId("state", "a");
const pack = testId("pack", "p");
const event = { type: "undelete", snapshots: [stateId], revive: [] } as const;
const facts = { referencesOf: () => [{ packId: pack, segments: Uint8Array.of(1) }] };

function removedSnapshot(): LogState {
  const empty = emptyLogState(testStoreId);
  return foldEntry(empty, testEntry(empty, [testCommit("a"), { type: "remove", snapshots: [stateId] }]));
}

describe("checkUndelete with the packs of the snapshots", () => {
  it("allows a snapshot whose packs are live", () => {
    expect(checkUndelete(removedSnapshot(), event, facts)).toBeUndefined();
  });

  it("refuses a snapshot that needs a swept pack", () => {
    const state = removedSnapshot();
    expect(checkUndelete({ ...state, swept: state.swept.with(pack, 1) }, event, facts)).toMatchObject({
      rule: "packs-are-not-swept",
      ids: [pack],
    });
  });

  it("refuses a snapshot that needs a condemned pack", () => {
    const state = removedSnapshot();
    const condemned = state.condemned.with(pack, { seq: 1, timeMs: 0 });
    expect(checkUndelete({ ...state, condemned }, event, facts)).toMatchObject({ rule: "condemned-packs-are-revived" });
  });
});
