import { beforeAll, describe, expect, it } from "vitest";
import { HoldfastError, isHoldfastError } from "#shared/errors.ts";
import { type ScriptedEntry, scriptedSource } from "#shared/operations/backup/scripted-source.testing.ts";
import { maintainAll } from "#shared/operations/small-maintainer.testing.ts";
import {
  backupSmall,
  checkSmall,
  fill,
  noise,
  objectsOf,
  openSmall,
  readWhole,
  removeOldest,
  storeOfBackups,
  wholeContents,
} from "#shared/operations/small-store.testing.ts";
import { faultyStore, type StoreCall, worldEndings } from "#shared/store/faulty-store.ts";
import { memoryStore } from "#shared/store/memory-store.ts";
import { logKey } from "#shared/store/object-key.ts";
import type { Store } from "#shared/store/store.ts";
import { executeRepair } from "./execute-repair.ts";
import { planSmall, repairSmall } from "./repair-small.testing.ts";

const later = { mtimeSec: 2_000_000 };
const trees: readonly (readonly ScriptedEntry[])[] = [
  [
    { path: "a", content: "a file of the first snapshot" },
    { path: "d/b", content: noise("b", 40_000) },
  ],
  [
    { path: "a", content: "a file of the first snapshot" },
    { path: "d/b", content: noise("b changed", 20_000), ...later },
    { path: "e", content: "new in the second", ...later },
  ],
];

let objects: Map<string, Uint8Array>;
let contents: Map<string, string>[];
beforeAll(async () => {
  const store = await storeOfBackups(...trees);
  objects = await objectsOf(store);
  contents = await wholeContents(store);
});

/** The store without states, with a hole in its log, and one pack that ends with a wrong byte too many. */
async function ruin(): Promise<Store> {
  const ruined = new Map(objects);
  for (const key of ruined.keys()) if (key.startsWith("states/")) ruined.delete(key);
  ruined.set(logKey(2), new Uint8Array(0));
  return fill(memoryStore(), ruined);
}

/** What puts of a repair there are, by their order. */
async function putsOf(operate: (store: Store) => Promise<unknown>): Promise<number> {
  let puts = 0;
  await operate(
    faultyStore(await ruin(), {
      fault: ({ verb }) => {
        if (verb === "put") puts++;
        return undefined;
      },
    }),
  );
  return puts;
}

describe("a repair that dies", () => {
  it.each(Object.entries(worldEndings))("can be run again when any of its puts %s", async (_name, faultAt) => {
    const operate = (store: Store): Promise<unknown> => repairSmall(store, { read: false });
    const puts = await putsOf(operate);
    expect(puts).toBeGreaterThan(4);
    for (let n = 1; n <= puts; n++) {
      const inner = await ruin();
      const before = await objectsOf(inner);
      let seen = 0;
      const isAt = ({ verb }: StoreCall): boolean => verb === "put" && ++seen === n;
      await operate(faultyStore(inner, { fault: faultAt(isAt) })).catch((error: unknown) => {
        if (!isHoldfastError(error)) throw error;
      });
      await repairSmall(inner, { read: false });
      const after = await objectsOf(inner);
      for (const [key, bytes] of before) expect(after.get(key), key).toEqual(bytes);
      expect((await checkSmall(inner, 0)).errors, `put ${n} of ${puts}`).toEqual([]);
      expect(await wholeContents(inner), `put ${n} of ${puts}`).toEqual(contents);
    }
  });

  it("says so when the store does not answer, and changes nothing that it has not told", async () => {
    const inner = await ruin();
    const store = faultyStore(inner, { fault: ({ number }) => (number > 20 ? { when: "before" } : undefined) });
    await expect(repairSmall(store, { read: false })).rejects.toBeInstanceOf(HoldfastError);
  });
});

describe("a repair beside others", () => {
  it("leaves what a backup publishes between plan and execution", async () => {
    const store = await fill(memoryStore(), objects);
    for (const key of objects.keys()) if (key.startsWith("states/")) await store.delete(key);
    const plan = await planSmall(store, false);
    await backupSmall(store, [scriptedSource({ entries: [{ path: "n", content: "meanwhile" }] })]);
    const between = await wholeNewest(store);
    await executeRepair(plan, { dropLost: false });
    const all = await wholeContents(store);
    expect(all).toHaveLength(3);
    for (const each of [between, ...contents]) expect(all).toContainEqual(each);
    expect((await checkSmall(store, 0)).errors).toEqual([]);
  });

  it("brings back snapshots whose packs were compacted", async () => {
    const store = await fill(memoryStore(), objects);
    await removeOldest(store);
    for (let round = 0; round < 3; round++) await maintainAll(store);
    const expected = await wholeContents(store);
    expect(expected).toEqual(contents.slice(0, 1));
    for (const key of (await objectsOf(store)).keys()) if (key.startsWith("states/")) await store.delete(key);
    await repairSmall(store, { read: false });
    expect(await wholeContents(store)).toEqual(expected);
    expect((await checkSmall(store, 0)).errors).toEqual([]);
  });
});

async function wholeNewest(store: Store): Promise<Map<string, string>> {
  return readWhole(await openSmall(store), 0);
}
