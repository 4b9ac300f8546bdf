import { describe, expect, it } from "vitest";
import { foldEntry } from "#shared/log/fold-entry.ts";
import { testCommit, testEntry, testId, testStoreId } from "#shared/log/log.fixtures.ts";
import { emptyLogState } from "#shared/log/log-state.ts";
import { checkRemove } from "./check-remove.ts";

const empty = emptyLogState(testStoreId);
const state = foldEntry(empty, testEntry(empty, [testCommit("a"), testCommit("b"), testCommit("c")]));
const [a, b, x] = ["a", "b", "x"].map((each) => testId("state", each)) as [never, never, never];

describe("checkRemove", () => {
  it("allows live snapshots", () => {
    expect(checkRemove(state, { type: "remove", snapshots: [a, b] })).toBeUndefined();
  });

  it("names every unknown snapshot, and calls them absent", () => {
    expect(checkRemove(state, { type: "remove", snapshots: [a, x] })).toMatchObject({ kind: "absent", ids: [x] });
  });

  it("refuses a snapshot that is removed", () => {
    const removed = foldEntry(state, testEntry(state, [{ type: "remove", snapshots: [a] }]));
    expect(checkRemove(removed, { type: "remove", snapshots: [a, b] })).toMatchObject({
      rule: "snapshots-are-not-removed",
      ids: [a],
    });
  });
});
