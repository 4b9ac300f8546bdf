import { describe, expect, it } from "vitest";
import type { StateId } from "#shared/format/ids.ts";
import { failAtCall, faultyStore } from "#shared/store/faulty-store.ts";
import { memoryStore } from "#shared/store/memory-store.ts";
import { stateKey } from "#shared/store/object-key.ts";
import type { Store } from "#shared/store/store.ts";
import { stageTestState, testAppender, testId, testPack, testStoreId } from "./log.fixtures.ts";
import { emptyLogState } from "./log-state.ts";
import { publishState } from "./publish-state.ts";
import { readLog } from "./read-log.ts";
import { removeSnapshots } from "./remove-snapshots.ts";
import { undeleteSnapshots } from "./undelete-snapshots.ts";

const empty = emptyLogState(testStoreId);

/** A store with two snapshots. */
async function twoSnapshots(): Promise<{ store: Store; a: StateId; b: StateId }> {
  const store = memoryStore();
  const [a, b] = [await stageTestState(store, "a"), await stageTestState(store, "b")];
  await publishState(testAppender(store, "a"), { staged: a });
  await publishState(testAppender(store, "b"), { staged: b });
  return { store, a: a.stateId, b: b.stateId };
}

async function removed(store: Store): Promise<string[]> {
  const { snapshots } = await readLog({ store, from: empty });
  return [...snapshots.values()].filter((each) => each.removed !== undefined).map((each) => each.stateId);
}

describe("removeSnapshots and undeleteSnapshots", () => {
  it("remove snapshots and bring them back", async () => {
    const { store, a, b } = await twoSnapshots();
    expect(await removeSnapshots(testAppender(store, "1"), [a, b, a])).toMatchObject({ appended: true, seq: 3 });
    expect(await removed(store)).toEqual([a, b].sort());
    expect(await undeleteSnapshots(testAppender(store, "2"), [a])).toMatchObject({ appended: true, seq: 4 });
    expect(await removed(store)).toEqual([b]);
  });

  it("write nothing when there is nothing to do", async () => {
    const { store, a, b } = await twoSnapshots();
    expect(await undeleteSnapshots(testAppender(store, "1"), [a])).toMatchObject({ appended: false, seq: 2 });
    await removeSnapshots(testAppender(store, "2"), [a]);
    expect(await removeSnapshots(testAppender(store, "3"), [a])).toMatchObject({ appended: false, seq: 3 });
    expect(await removeSnapshots(testAppender(store, "4"), [a, b])).toMatchObject({ appended: true, seq: 4 });
    expect(await removed(store)).toEqual([a, b].sort());
  });

  it("refuse an unknown snapshot, and leave the others as they are", async () => {
    const { store, a } = await twoSnapshots();
    const unknown = testId("state", "nobody");
    const expected = { kind: "absent", detail: { ids: [unknown] } };
    await expect(removeSnapshots(testAppender(store, "1"), [a, unknown])).rejects.toMatchObject(expected);
    await expect(undeleteSnapshots(testAppender(store, "2"), [unknown])).rejects.toMatchObject(expected);
    expect((await readLog({ store, from: empty })).seq).toBe(2);
  });

  it("bring nothing back that needs a swept pack, or whose state is gone", async () => {
    const { store, a } = await twoSnapshots();
    const { state } = await removeSnapshots(testAppender(store, "1"), [a]);
    const { packId } = testPack("a").pack;
    const swept = { ...state, swept: state.swept.with(packId, 3) };
    await expect(undeleteSnapshots(testAppender(store, "2", { from: swept }), [a])).rejects.toMatchObject({
      kind: "conflict",
      detail: { rule: "packs-are-not-swept", ids: [packId] },
    });
    await store.delete(stateKey(a));
    await expect(undeleteSnapshots(testAppender(store, "4"), [a])).rejects.toMatchObject({ kind: "absent" });
    expect(await removed(store)).toEqual([a]);
  });

  it.each(["before", "after"] as const)(
    "end in one removal and one undeletion when any call fails %s its effect and they are run again",
    async (when) => {
      for (let number = 1; number <= 8; number++) {
        const { store, a } = await twoSnapshots();
        const failing = faultyStore(store, { fault: failAtCall(number, { when }) });
        await removeSnapshots(testAppender(failing, "1"), [a]).catch(() => undefined);
        await removeSnapshots(testAppender(store, "2"), [a]);
        expect((await readLog({ store, from: empty })).seq).toBe(3);
        const failingAgain = faultyStore(store, { fault: failAtCall(number, { when }) });
        await undeleteSnapshots(testAppender(failingAgain, "3"), [a]).catch(() => undefined);
        await undeleteSnapshots(testAppender(store, "4"), [a]);
        expect((await readLog({ store, from: empty })).seq).toBe(4);
        expect(await removed(store)).toEqual([]);
      }
    },
  );
});
