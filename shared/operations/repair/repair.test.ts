import type * as threads from "node:worker_threads";
import { beforeAll, describe, expect, it, vi } from "vitest";
import { isHoldfastError } from "#shared/errors.ts";
import { decodePackTrailer, packTrailerBytes } from "#shared/format/pack.ts";
import { writeCheckpoint } from "#shared/log/write-checkpoint.ts";
import { removeSnapshots } from "#shared/log/remove-snapshots.ts";
import { type ScriptedEntry, scriptedSource } from "#shared/operations/backup/scripted-source.testing.ts";
import {
  backupSmall,
  checkSmall,
  fill,
  isSound,
  noise,
  objectsOf,
  openSmall,
  readWhole,
  snapshotIds,
  storeOfBackups,
  wholeContents,
} from "#shared/operations/small-store.testing.ts";
import { condemnUnneeded, relocatePacks, sweepCondemned } from "#shared/operations/small-maintainer.testing.ts";
import { surveyStore } from "#shared/operations/maintenance/survey-store.ts";
import { newProgress } from "#shared/operations/progress.ts";
import { memoryStore } from "#shared/store/memory-store.ts";
import { logKey, stateKey } from "#shared/store/object-key.ts";
import { readonlyStore } from "#shared/store/readonly-store.ts";
import type { Store } from "#shared/store/store.ts";
import { planSmall, repairSmall } from "./repair-small.testing.ts";
import { successorOf } from "#shared/log/repaired-commit-id.ts";
import { parseId } from "#shared/format/ids.ts";

vi.mock("node:worker_threads", async (importActual) => {
  const { checksInProcess } = await import("#shared/operations/threads-in-process.testing.ts");
  return checksInProcess(await importActual<typeof threads>());
});

const later = { mtimeSec: 2_000_000 };
const trees: readonly (readonly ScriptedEntry[])[] = [
  [
    { path: "a", content: "a file of the first snapshot" },
    { path: "d/b", content: noise("b", 90_000) },
    { path: "d/c", content: noise("c", 30_000) },
  ],
  [
    { path: "a", content: "a file of the first snapshot" },
    { path: "d/b", content: noise("b changed", 20_000), ...later },
    { path: "d/c", content: noise("c", 30_000) },
    { path: "e", content: "new in the second", ...later },
  ],
  [
    { path: "a", content: "a file of the first snapshot" },
    { path: "d/b", content: noise("b changed", 20_000), ...later },
    { path: "d/c", content: noise("c", 30_000) },
    { path: "e", content: "new in the second", ...later },
  ],
];

let objects: Map<string, Uint8Array>;
/** What each snapshot holds, the newest first, and their ids. */
let contents: Map<string, string>[];
let ids: string[];
beforeAll(async () => {
  const store = await storeOfBackups(...trees);
  objects = await objectsOf(store);
  ids = snapshotIds(await openSmall(store));
  contents = await wholeContents(store);
});

type Change = (objects: Map<string, Uint8Array>) => void;

async function damaged(change: Change): Promise<Store> {
  const changed = new Map(objects);
  change(changed);
  return fill(memoryStore(), changed);
}

const keysLike = (pattern: RegExp): string[] => [...objects.keys()].filter((key) => pattern.test(key)).sort();
const without =
  (pattern: RegExp): Change =>
  (all) => {
    for (const key of keysLike(pattern)) all.delete(key);
  };

function flipped(bytes: Uint8Array, at: number): Uint8Array {
  const copy = bytes.slice();
  copy[at] = (copy[at] ?? 0) ^ 16;
  return copy;
}

const flip =
  (key: string, at: (bytes: Uint8Array) => number): Change =>
  (all) => {
    const bytes = all.get(key) ?? expect.fail(`no ${key}`);
    all.set(key, flipped(bytes, at(bytes)));
  };

/** A data pack of the first backup. */
const dataPack = (): string =>
  keysLike(/^packs\//).reduce((most, key) =>
    (objects.get(key)?.byteLength ?? 0) > (objects.get(most)?.byteLength ?? 0) ? key : most,
  );

/** The smallest pack: of tree nodes. */
const metaPack = (): string =>
  keysLike(/^packs\//).reduce((least, key) =>
    (objects.get(key)?.byteLength ?? 0) < (objects.get(least)?.byteLength ?? 0) ? key : least,
  );

/** Plans on a store that refuses every change, and sees that nothing did change. */
async function planDry(store: Store) {
  const before = await objectsOf(store);
  const plan = await planSmall(readonlyStore(store));
  expect(await objectsOf(store)).toEqual(before);
  return plan;
}

/** Every object that was there is there still, as it was. */
async function expectNothingOverwritten(store: Store, before: ReadonlyMap<string, Uint8Array>): Promise<void> {
  const after = await objectsOf(store);
  for (const [key, bytes] of before) expect(after.get(key), key).toEqual(bytes);
}

async function expectMended(change: Change): Promise<Store> {
  const store = await damaged(change);
  const before = await objectsOf(store);
  const plan = await planDry(store);
  expect(plan.findings.length).toBeGreaterThan(0);
  expect(plan.findings.filter((each) => each.remedy === "lost")).toEqual([]);
  await repairSmall(store);
  await expectNothingOverwritten(store, before);
  const report = await checkSmall(store);
  expect(report.errors).toEqual([]);
  expect(await wholeContents(store)).toEqual(contents);
  const again = await planDry(store);
  expect(again.restatements).toEqual([]);
  expect(again.findings.filter((each) => each.remedy === "mended")).toEqual([]);
  return store;
}

describe("a sound store", () => {
  it("has nothing to repair", async () => {
    const store = await damaged(() => undefined);
    expect((await planDry(store)).findings).toEqual([]);
    await repairSmall(store);
    expect(await objectsOf(store)).toEqual(objects);
  });
});

describe("lost states", () => {
  it("brings every snapshot back when all states are gone", async () => {
    const store = await expectMended(without(/^states\//));
    const { log } = await openSmall(store);
    for (const id of ids) {
      const old = parseId("state", id);
      expect(log.sweptStates.has(old)).toBe(true);
      expect(successorOf(log, old)?.removed).toBeUndefined();
      expect(successorOf(log, old)).toBeDefined();
    }
  });

  it.each([0, 1])(
    "gives up the lost state of a removed snapshot, which every maintenance would stumble over: %s",
    async (index) => {
      const store = await damaged(() => undefined);
      const { log, signer, clock, random } = await openSmall(store);
      const stateId = parseId("state", ids[index] ?? "");
      await removeSnapshots({ store, signer, clock, random, from: log }, [stateId]);
      await store.delete(stateKey(stateId));
      const stumbles = async (): Promise<readonly string[]> => {
        const { log: state } = await openSmall(store);
        const survey = await surveyStore({ store, state, progress: newProgress("maintenance", "reading the log") });
        expect(survey.unreadable).toEqual([]);
        return survey.unreadableRemoved.map((each) => each.stateId);
      };
      expect(await stumbles()).toEqual([stateId]);
      await repairSmall(store);
      expect(await stumbles()).toEqual([]);
      expect((await checkSmall(store)).errors).toEqual([]);
      expect((await planDry(store)).findings.filter((each) => each.remedy !== "noted")).toEqual([]);
    },
  );

  it.each(["first", "middle", "last"] as const)("brings a damaged state back: %s byte", async (where) => {
    for (const key of keysLike(/^states\//)) {
      await expectMended(
        flip(key, (bytes) => (where === "first" ? 0 : where === "last" ? bytes.byteLength - 1 : bytes.byteLength >> 1)),
      );
    }
  });

  it("is repeated without harm by two at once", async () => {
    const store = await damaged(without(/^states\//));
    // The threads in this process serve one pool at a time.
    await Promise.all([repairSmall(store, { read: false }), repairSmall(store, { read: false })]);
    expect(isSound(await checkSmall(store))).toBe(true);
    expect(await wholeContents(store)).toEqual(contents);
  });

  it("leaves a snapshot removed that was removed while it was repaired", async () => {
    const store = await damaged(without(/^states\//));
    const plan = await planSmall(store);
    const { repository } = plan;
    const newest = parseId("state", ids[0] ?? "");
    const { signer, clock, random } = repository;
    await removeSnapshots({ store, signer, clock, random, from: repository.log }, [newest]);
    const { executeRepair } = await import("./execute-repair.ts");
    await executeRepair(plan, { dropLost: false });
    expect(await wholeContents(store)).toEqual(contents.slice(1));
  });
});

describe("a damaged log", () => {
  it.each([1, 2, 3])("goes on where entry %i is missing or damaged", async (seq) => {
    const key = `log/${String(seq).padStart(20, "0")}`;
    await expectMended(flip(key, (bytes) => bytes.byteLength >> 1));
    await expectMended((all) => all.set(key, new Uint8Array(0)));
    if (seq < 3) await expectMended((all) => all.delete(key));
  });

  it("begins again where all of it is gone", async () => {
    await expectMended(without(/^log\//));
  });

  it("brings every snapshot back from packs alone", async () => {
    await expectMended(without(/^(log|states|checkpoints)\//));
  });

  it("tells of entries that a checkpoint made needless, and leaves them alone", async () => {
    const store = await damaged(() => undefined);
    const { signer, clock, random, log } = await openSmall(store);
    await writeCheckpoint({ store, signer, clock, random, from: log });
    await store.delete(`log/${"1".padStart(20, "0")}`);
    const { findings } = await planDry(store);
    expect(findings.map(({ remedy, object }) => [remedy, object])).toEqual([["noted", `log/${"1".padStart(20, "0")}`]]);
    expect(await wholeContents(store)).toEqual(contents);
  });

  it("is looked at before a checkpoint too: what is missing, cut short, damaged or from elsewhere", async () => {
    const whole = await damaged(() => undefined);
    const { signer, clock, random, log } = await openSmall(whole);
    await writeCheckpoint({ store: whole, signer, clock, random, from: log });
    const second = (await objectsOf(whole)).get(logKey(2)) ?? expect.fail("no entry");
    const changes: readonly (readonly [Uint8Array | undefined, boolean])[] = [
      [undefined, false],
      [new Uint8Array(0), false],
      [flipped(second, second.byteLength >> 1), true],
      [await whole.get(logKey(3)), true],
    ];
    for (const [bytes, read] of changes) {
      const store = await fill(memoryStore(), await objectsOf(whole));
      await store.delete(logKey(2));
      if (bytes !== undefined) await store.put(logKey(2), [bytes]);
      const checked = await checkSmall(store, read ? 100 : 0);
      expect(checked.lostEntries).toEqual([logKey(2)]);
      expect(isSound(checked)).toBe(true);
      const { findings } = await planSmall(readonlyStore(store), read);
      expect(findings.map(({ remedy, object }) => [remedy, object])).toEqual([["noted", logKey(2)]]);
    }
    expect((await checkSmall(whole)).lostEntries).toEqual([]);
  });

  it("mends checkpoints that are gone", async () => {
    const store = await damaged(() => undefined);
    const { signer, clock, random, log } = await openSmall(store);
    await writeCheckpoint({ store, signer, clock, random, from: log });
    for (const key of (await objectsOf(store)).keys()) if (key.startsWith("checkpoints/")) await store.delete(key);
    expect((await planDry(store)).findings.map((each) => each.remedy)).toEqual(["mended"]);
    await repairSmall(store);
    expect((await planDry(store)).findings).toEqual([]);
  });

  it("counts what is lost of a snapshot whose entry is lost too, and brings back the rest of it in its place", async () => {
    const store = await damaged((all) => {
      all.delete(dataPack());
      all.delete(logKey(2));
    });
    const { plan, broughtBack } = await repairSmall(store);
    const lost = plan.findings.filter((each) => each.remedy === "lost");
    expect(lost.flatMap((each) => each.snapshots).sort()).toEqual(ids.slice().sort());
    expect(broughtBack).toHaveLength(1);
    const repository = await openSmall(store);
    expect(snapshotIds(repository)[1]).toBe(broughtBack[0]);
    expect(successorOf(repository.log, parseId("state", ids[1] ?? ""))?.stateId).toBe(broughtBack[0]);
    const again = await planDry(store);
    expect(again.restatements).toEqual([]);
    expect(again.findings.map((each) => each.remedy)).toEqual(["noted", "lost", "lost", "lost"]); // the entry itself
  });

  it("keeps the newest snapshot the newest where others come back from packs", async () => {
    await expectMended((all) => {
      for (const key of [...keysLike(/^(states|checkpoints)\//), logKey(1), logKey(2)]) all.delete(key);
    });
  });

  it("takes backups after it was mended", async () => {
    const store = await expectMended((all) => all.set(`log/${"3".padStart(20, "0")}`, new Uint8Array(7)));
    await backupSmall(store, [scriptedSource({ entries: [{ path: "n", content: "after the repair" }] })]);
    expect((await wholeContents(store)).slice(1)).toEqual(contents);
    expect(isSound(await checkSmall(store))).toBe(true);
  });
});

describe("damaged packs", () => {
  const trailerOf = (bytes: Uint8Array) =>
    decodePackTrailer(bytes.slice(bytes.byteLength - packTrailerBytes), bytes.byteLength, "a pack");

  it.each(["header", "directory", "table", "trailer"] as const)(
    "loses nothing when its %s is damaged",
    async (part) => {
      for (const key of [dataPack(), metaPack()]) {
        await expectMended(
          flip(key, (bytes) => {
            const { directoriesOffset, tableOffset } = trailerOf(bytes);
            return {
              header: 33,
              directory: directoriesOffset + 3,
              table: tableOffset + 2,
              trailer: bytes.byteLength - 40,
            }[part];
          }),
        );
      }
    },
  );

  it("names what is lost with a segment, and a later backup brings it back", async () => {
    const key = dataPack();
    const store = await damaged(flip(key, () => 100));
    const before = await objectsOf(store);
    const plan = await planDry(store);
    const lost = plan.findings.filter((each) => each.remedy === "lost");
    expect(lost.length).toBeGreaterThan(0);
    const paths = new Set(lost.flatMap((each) => each.paths));
    const report = await repairSmall(store);
    await expectNothingOverwritten(store, before);
    expect(report.condemnedPacks.map((each) => `packs/${each.slice(0, 2)}/${each}`)).toEqual([key]);
    expect(report.savedBlobs).toBeGreaterThan(0);
    // What check finds is exactly what the repair named.
    const checked = await checkSmall(store);
    expect(new Set(checked.errors.map((each) => each.path.replace(/^[0-9a-f]{8}:/, "")))).toEqual(paths);
    // The sources are still there: a backup stores again what the damaged pack held, and a repair heals the old snapshots.
    for (const entries of trees.slice(0, 2)) await backupSmall(store, [scriptedSource({ entries })], { force: true });
    // Until then a restore takes the copies of the new snapshots, and check says as much.
    const between = await checkSmall(store);
    expect({ files: between.damagedFiles, rescued: between.rescuedSnapshots > 0 }).toEqual({ files: 0, rescued: true });
    expect(await wholeContents(store)).toEqual(expect.arrayContaining([...contents]));
    expect((await planDry(store)).findings.filter((each) => each.remedy === "lost")).toEqual([]);
    await repairSmall(store);
    expect((await checkSmall(store)).rescuedSnapshots).toBe(0);
    const after = await checkSmall(store);
    expect(after.damagedFiles).toBe(0);
    const all = await wholeContents(store);
    for (const each of contents) expect(all).toContainEqual(each);
    expect((await planDry(store)).restatements).toEqual([]);
  });

  it("names what is lost with a missing pack, and keeps the rest", async () => {
    const key = dataPack();
    const store = await damaged((all) => all.delete(key));
    const report = await repairSmall(store);
    expect(report.plan.findings.some((each) => each.remedy === "lost" && each.paths.length > 0)).toBe(true);
    expect(report.condemnedPacks).toHaveLength(1);
    expect((await checkSmall(store)).damagedFiles).toBeGreaterThan(0);
    const [newest] = await wholeContents(store).catch((error: unknown) => {
      expect(isHoldfastError(error, "corrupt")).toBe(true);
      return [];
    });
    expect(newest ?? contents[0]).toBeDefined();
  });

  it("does not let backups build on a pack that is damaged inside", async () => {
    const key = dataPack();
    const store = await damaged(flip(key, () => 100));
    await repairSmall(store);
    const again = await backupSmall(store, [scriptedSource({ entries: trees[0] ?? [] })], { force: true });
    expect(again.newBytes).toBeGreaterThan(0);
    const { log } = await openSmall(store);
    expect(log.condemned.size).toBe(1);
    expect((await wholeContents(store))[0]).toEqual(contents[2]);
  });
});

describe("the state of a removed snapshot whose packs were emptied into others", () => {
  it.each([true, false])(
    "is given up once another tells of what is in those; with a checkpoint: %s",
    async (isCheckpointed) => {
      const store = await fill(memoryStore(), objects);
      const oldest = parseId("state", ids.at(-1)!);
      await relocatePacks(store);
      const { signer, clock, random, log } = await openSmall(store);
      const appender = { store, signer, clock, random, from: log };
      const { state } = await removeSnapshots(appender, [oldest]);
      await condemnUnneeded(store);
      await sweepCondemned(store);
      expect((await openSmall(store)).log.snapshots.get(oldest)).toBeDefined();
      if (isCheckpointed) await writeCheckpoint({ ...appender, from: state }, { isThorough: true });
      await store.delete(stateKey(oldest));
      await repairSmall(store);
      expect((await openSmall(store)).log.sweptStates.has(oldest)).toBe(true);
      expect(await wholeContents(store)).toEqual(contents.slice(0, -1));
      const checked = await checkSmall(store);
      if (!isSound(checked)) expect.fail(JSON.stringify(checked));
      await repairSmall(store); // other snapshots now refer to the copies that were found first
      expect((await planSmall(store)).findings.filter((each) => each.remedy !== "noted")).toEqual([]);
    },
  );
});

describe("a second repair", () => {
  const lostPathsOf = (plan: { readonly findings: readonly { remedy: string; paths: readonly string[] }[] }) =>
    plan.findings.flatMap((each) => (each.remedy === "lost" ? each.paths : [])).sort();

  it.each([true, false])("keeps to what the first has found, whether it reads content or not: %s", async (read) => {
    const store = await damaged(flip(dataPack(), () => 100));
    const first = await repairSmall(store);
    const lost = lostPathsOf(first.plan);
    expect(lost.length).toBeGreaterThan(0);
    const before = snapshotIds(await openSmall(store));
    const second = await repairSmall(store, { read });
    expect(lostPathsOf(second.plan)).toEqual(lost);
    expect(second.plan.findings.filter((each) => each.remedy !== "lost")).toEqual([]);
    expect(snapshotIds(await openSmall(store))).toEqual(before);
    expect([...(await openSmall(store)).log.condemned.keys()]).toEqual(first.condemnedPacks);
  });
});

describe("a damaged key slot", () => {
  it("is found by check and by repair, which cannot mend it", async () => {
    const key = `keys/${"5".repeat(32)}`;
    const store = await damaged((all) => all.set(key, new Uint8Array(99)));
    expect((await checkSmall(store, 0)).damagedObjects).toEqual([key]);
    expect((await planDry(store)).findings.map(({ remedy, object }) => [remedy, object])).toEqual([["lost", key]]);
  });
});

describe("packs that hold the same blobs", () => {
  it("are brought to an end by one repair, where no state tells of them", async () => {
    const begun = await objectsOf(await damaged(without(/^(log|states|checkpoints|packs)\//)));
    const packs = new Map(begun);
    const wanted: Map<string, string>[] = [];
    // Backups that did not see one another.
    for (const [index, entries] of [
      ...trees.slice(0, 2),
      [...(trees[0] ?? []), ...(trees[1]?.slice(3) ?? [])],
    ].entries()) {
      const apart = await fill(memoryStore(), begun);
      await backupSmall(apart, [
        scriptedSource({ entries: [...entries, { path: "z", content: noise(`z${index}`, 40_000) }] }),
      ]);
      wanted.unshift(await readWhole(await openSmall(apart)));
      for (const [key, bytes] of await objectsOf(apart)) if (key.startsWith("packs/")) packs.set(key, bytes);
    }
    const store = await fill(memoryStore(), packs);
    await repairSmall(store);
    expect(await wholeContents(store)).toEqual(wanted);
    expect((await checkSmall(store)).errors).toEqual([]);
    expect((await planDry(store)).findings).toEqual([]);
  });
});

describe("a sound store that was compacted twice", () => {
  it("has nothing to repair after packs that segments passed through are swept", async () => {
    const store = await damaged(() => undefined);
    for (let round = 0; round < 3; round++) {
      await relocatePacks(store);
      await condemnUnneeded(store);
      await sweepCondemned(store);
    }
    const checked = await checkSmall(store);
    if (!isSound(checked)) expect.fail(JSON.stringify(checked));
    expect((await planDry(store)).findings).toEqual([]);
  });
});

describe("a rotten checkpoint at the number that a repair needs", () => {
  it.each(["damaged", "cut short"])("does not keep the log from going on: %s", async (how) => {
    const store = await damaged(() => undefined);
    const { signer, clock, random, log } = await openSmall(store);
    const { state } = await writeCheckpoint({ store, signer, clock, random, from: log });
    const all = await objectsOf(store);
    const checkpoint = `checkpoints/${String(log.seq).padStart(20, "0")}`;
    const bytes = all.get(checkpoint) ?? expect.fail("no checkpoint");
    all.set(checkpoint, how === "damaged" ? flipped(bytes, bytes.byteLength - 2) : bytes.slice(0, 9));
    all.delete(`log/${String(state.seq).padStart(20, "0")}`);
    all.delete(`log/${"2".padStart(20, "0")}`);
    const broken = await fill(memoryStore(), all);
    await repairSmall(broken);
    expect(await wholeContents(broken)).toEqual(contents);
    expect((await checkSmall(broken)).errors).toEqual([]);
    expect((await planDry(broken)).findings.filter((each) => each.remedy === "mended")).toEqual([]);
  });
});
