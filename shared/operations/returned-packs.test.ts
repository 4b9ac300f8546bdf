import type * as threads from "node:worker_threads";
import { beforeAll, beforeEach, describe, expect, test, vi } from "vitest";
import { parseId, type StateId } from "#shared/format/ids.ts";
import { successorOf } from "#shared/log/repaired-commit-id.ts";
import { scriptedSource } from "#shared/operations/backup/scripted-source.testing.ts";
import { maintenance, type MaintenanceReport } from "#shared/operations/maintenance/maintenance.ts";
import { setGracePeriod } from "#shared/operations/maintenance/set-grace-period.ts";
import { warningsOf } from "#shared/operations/maintenance/warnings-of-plan.ts";
import { silentReporter } from "#shared/operations/progress.ts";
import { executeRepair } from "#shared/operations/repair/execute-repair.ts";
import { planSmall, repairSmall } from "#shared/operations/repair/repair-small.testing.ts";
import { repairLimit } from "#shared/operations/repair/repair-limit.ts";
import {
  appenderTo,
  backupSmall,
  checkSmall,
  fill,
  isSound,
  noise,
  objectsOf,
  openSmall,
  removeOldest,
  snapshotIds,
  storeOfBackups,
  wholeContents,
} from "#shared/operations/small-store.testing.ts";
import { memoryStore } from "#shared/store/memory-store.ts";
import type { Store } from "#shared/store/store.ts";

vi.mock("node:worker_threads", async (importActual) => {
  const { checksInProcess } = await import("#shared/operations/threads-in-process.testing.ts");
  return checksInProcess(await importActual<typeof threads>());
});

const later = { mtimeSec: 2_000_000 };
const trees = [
  [
    { path: "a", content: noise("a", 80_000) },
    { path: "b", content: noise("b", 80_000) },
  ],
  [
    { path: "a", content: noise("a", 80_000) },
    { path: "b", content: noise("b changed", 90_000), ...later },
    { path: "c", content: "new", ...later },
  ],
];

let objects: Map<string, Uint8Array>;
let store: Store;
let contents: Map<string, string>[];
let ids: StateId[];
beforeAll(async () => {
  const made = await storeOfBackups(...trees);
  await setGracePeriod(await appenderTo(made), 0, 1);
  contents = await wholeContents(made);
  ids = snapshotIds(await openSmall(made)).map((id) => parseId("state", id));
  objects = await objectsOf(made);
});
beforeEach(async () => {
  store = await fill(memoryStore(), objects);
});

/** Takes packs away, as when a branch of the store is not mounted. @returns what brings them back */
async function unmount(isAway: (key: string, bytes: Uint8Array) => boolean): Promise<() => Promise<void>> {
  const away = [...(await objectsOf(store))].filter(([key, bytes]) => key.startsWith("packs/") && isAway(key, bytes));
  expect(away.length).toBeGreaterThan(0);
  for (const [key] of away) await store.delete(key);
  return async () => {
    for (const [key, bytes] of away) await store.put(key, [bytes]);
  };
}

/** One maintenance by routine, with a grace period of nothing. */
async function maintain(force = false): Promise<MaintenanceReport> {
  return maintenance({
    appender: await appenderTo(store),
    config: (await openSmall(store)).config,
    dryRun: false,
    force,
    compact: true,
    orphanAgeMs: 0,
    reporter: silentReporter,
  });
}

const packsIn = async (): Promise<string[]> =>
  [...(await objectsOf(store)).keys()].filter((key) => key.startsWith("packs/"));

describe("packs that were away while a repair ran", () => {
  test.each([
    ["all of them", () => true],
    ["some of them", (_key: string, bytes: Uint8Array) => bytes.byteLength > 60_000],
  ])(
    "%s: no maintenance deletes them when they are back, and another repair gives back every file",
    async (_, isAway) => {
      const mount = await unmount(isAway);
      const { plan } = await repairSmall(store);
      expect(plan.survey.missingPacks.size).toBeGreaterThan(0);
      for (let runs = 0; runs < 3; runs++) await maintain(true);
      await mount();
      const before = (await packsIn()).length;
      for (let runs = 0; runs < 3; runs++) {
        const { done, isPartial, plan: planned } = await maintain(true);
        expect(done?.deleted).toBe(0);
        expect(isPartial).toBe(true);
        expect(planned.figures.returned.count).toBe(plan.survey.missingPacks.size);
        expect(warningsOf(planned).join()).toMatch(
          /found missing or damaged .* in the store and whole.*holdfast repair --apply/,
        );
      }
      expect((await packsIn()).length).toBe(before);
      await repairSmall(store);
      expect(await wholeContents(store)).toEqual(contents);
      expect((await planSmall(store)).findings.filter((each) => each.remedy !== "noted")).toEqual([]);
      for (let runs = 0; runs < 3; runs++) expect((await maintain()).plan.figures.returned.count).toBe(0);
      const { log } = await openSmall(store);
      for (const stateId of ids)
        expect(successorOf(log, stateId)?.removed, "the first id leads to the last").toBeUndefined();
      for (const stateId of ids) expect(successorOf(log, stateId)).toBeDefined();
      expect(await wholeContents(store)).toEqual(contents);
      expect(isSound(await checkSmall(store))).toBe(true);
    },
  );

  test("keep what else the damaged snapshots need: also where nobody can tell what that is while they are away", async () => {
    // Packs of tree nodes are small: without them no repair finds the content of files, though that is there.
    const mount = await unmount((_key, bytes) => bytes.byteLength < 4000);
    await repairSmall(store);
    const before = (await packsIn()).length;
    for (let runs = 0; runs < 4; runs++) {
      const { plan, done } = await maintain(true);
      expect([done?.condemned, done?.deleted]).toEqual([0, 0]);
      expect(plan.figures.held.count).toBeGreaterThan(0);
    }
    expect((await packsIn()).length).toBe(before);
    await mount();
    await repairSmall(store);
    expect(await wholeContents(store)).toEqual(contents);
    await maintain(true);
    expect((await maintain(true)).plan.figures.held.count).toBe(0);
  });

  test("do not keep anything for ever: once the damaged snapshots are removed, the rest of them goes", async () => {
    await unmount((_key, bytes) => bytes.byteLength < 4000);
    await repairSmall(store);
    await removeOldest(store, 2);
    for (let runs = 0; runs < 3; runs++) await maintain(true);
    expect(await packsIn()).toEqual([]);
  });

  test("and that nothing needs when they are back leave like any other, after another repair", async () => {
    await removeOldest(store);
    const needed = contents.slice(0, 1);
    await maintain(true);
    const mount = await unmount((_key, bytes) => bytes.byteLength > 60_000);
    await repairSmall(store);
    await backupSmall(store, [scriptedSource({ entries: trees[1] ?? [] })], { force: true });
    await mount();
    await repairSmall(store);
    for (let runs = 0; runs < 3; runs++) await maintain(true);
    const { plan } = await maintain(true);
    expect([plan.figures.returned.count, plan.figures.waiting.count]).toEqual([0, 0]);
    expect((await wholeContents(store))[0]).toEqual(needed[0]);
  });

  test("a pack that was damaged and is whole again is kept as well; one that stays damaged goes", async () => {
    const [first, second] = [...objects.keys()].filter(
      (key) => key.startsWith("packs/") && (objects.get(key)?.byteLength ?? 0) > 60_000,
    );
    for (const key of [first ?? "", second ?? ""]) {
      const bytes = objects.get(key)?.slice() ?? expect.fail();
      bytes[100] = (bytes[100] ?? 0) ^ 1;
      await store.delete(key);
      await store.put(key, [bytes]);
    }
    await repairSmall(store);
    await store.delete(first ?? "");
    await store.put(first ?? "", [objects.get(first ?? "") ?? expect.fail()]);
    const { done, plan } = await maintain(true);
    expect([plan.figures.returned.count, done?.swept]).toEqual([1, 1]);
    const left = await packsIn();
    expect([left.includes(first ?? ""), left.includes(second ?? "")]).toEqual([true, false]);
  });
});

describe("before a repair marks packs as missing", () => {
  test("the safety limit counts them, also when all are missing, and says where to look", async () => {
    await unmount(() => true);
    const before = await objectsOf(store);
    const limit = repairLimit(await planSmall(store));
    expect(limit).toMatchObject({
      kind: "corrupt",
      message: expect.stringMatching(/packs, 100 % of the store, are missing\. Stopped by the safety limit/),
      hint: expect.stringMatching(/mounted.*--force/),
    });
    expect(await objectsOf(store)).toEqual(before);
  });

  test("a listing that leaves packs out is not believed", async () => {
    const partial: Store = {
      ...store,
      async *list(prefix, options) {
        for await (const object of store.list(prefix, options)) if (!object.key.startsWith("packs/")) yield object;
      },
    };
    const plan = await planSmall(partial);
    expect(plan.findings.filter((each) => each.remedy !== "noted")).toEqual([]);
  });

  test("it looks again, and changes nothing where some have come back", async () => {
    const mount = await unmount((_key, bytes) => bytes.byteLength > 60_000);
    const plan = await planSmall(store);
    await mount();
    const before = await objectsOf(store);
    await expect(executeRepair(plan, { dropLost: false })).rejects.toMatchObject({
      kind: "unavailable",
      message: expect.stringMatching(/are there now/),
    });
    expect(await objectsOf(store)).toEqual(before);
  });
});
