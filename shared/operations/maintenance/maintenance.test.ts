import { describe, expect, test } from "vitest";
import { sha256 } from "#shared/crypto/sha256.ts";
import { idFromBytes, idToBytes, parseId } from "#shared/format/ids.ts";
import { encodePackHeader } from "#shared/format/pack.ts";
import { testPack, testState, testStoreId } from "#shared/log/log.fixtures.ts";
import { stageState } from "#shared/log/stage-state.ts";
import { interposedStore } from "#shared/operations/interposed-store.testing.ts";
import { objectsOf } from "#shared/operations/small-store.testing.ts";
import { appendEntry } from "#shared/log/append-entry.ts";
import { publishState } from "#shared/log/publish-state.ts";
import { undeleteSnapshots } from "#shared/log/undelete-snapshots.ts";
import { newProgress } from "#shared/operations/progress.ts";
import { logKey, packKey, stateKey, statesPrefix } from "#shared/store/object-key.ts";
import { meteredStore } from "#shared/store/metered-store.ts";
import { executeMaintenance } from "./execute-maintenance.ts";
import { planMaintenance } from "./plan-maintenance.ts";
import { reportOfMaintenance } from "./report-of-maintenance.ts";
import { setGracePeriod } from "./set-grace-period.ts";
import { dayMs, hourMs, onePackCondemned, packIdOf, SmallLog } from "./small-log.testing.ts";
import { surveyStore } from "./survey-store.ts";

const policy = { graceMs: 7 * dayMs, orphanAgeMs: dayMs, limitShare: 0.5 };

/** A survey and its plan, as maintenance makes them, to be executed when the test likes. */
async function planned(world: SmallLog) {
  const state = await world.log();
  const survey = await surveyStore({ store: world.store, state, progress: newProgress("test") });
  const witnesses = await world.witnesses(state);
  const plan = planMaintenance(survey, { policy, witnesses, force: true, acceptsLog: false });
  const execute = () =>
    executeMaintenance(plan, {
      survey,
      policy,
      witnesses,
      appender: world.appender(),
      progress: newProgress("test"),
      notice: () => undefined,
    });
  return { plan, execute };
}

describe("collection", () => {
  test("a store whose snapshots are all live is left as it is", async () => {
    const world = new SmallLog();
    await world.commit("one", ["a", "b"]);
    await world.commit("two", ["c"], ["a"]);
    const { done } = await world.maintain();
    expect(done).toMatchObject({ revived: 0, condemned: 0, swept: 0, sweptStates: 0, deleted: 0, entries: 0 });
    expect((await world.expectSound()).condemned.size).toBe(0);
  });

  test("what only a removed snapshot needed is condemned, stays for the grace period, and is swept and deleted with its state", async () => {
    const world = new SmallLog();
    const one = await world.commit("one", ["a", "b"]);
    await world.commit("two", ["c"], ["a"]);
    await world.remove(one);
    const first = await world.maintain();
    expect(first.done).toMatchObject({ condemned: 1, condemnedBytes: testPack("b").bytes.byteLength, swept: 0 });
    world.clock.advance(7 * dayMs - 1000);
    const early = await world.maintain();
    expect(early.done).toMatchObject({ condemned: 0, swept: 0, deleted: 0 });
    expect(early.plan.figures.waiting).toEqual({ count: 1, bytes: testPack("b").bytes.byteLength });
    expect(await world.stored("a", "b", "c")).toEqual(["a", "b", "c"]);
    world.clock.advance(1001);
    expect((await world.maintain()).done).toMatchObject({ swept: 1, sweptStates: 0, deleted: 1 });
    expect(await world.stored("a", "b", "c")).toEqual(["a", "c"]);
    expect(await world.hasState(one)).toBe(true); // it tells where the segments of "a" are
    await world.expectSound();
  });

  test("the state of a removed snapshot goes when nothing is left of what it added", async () => {
    const world = new SmallLog();
    const one = await world.commit("one", ["a"]);
    const two = await world.commit("two", ["b"]);
    const bare = await world.commit("three", [], ["b"]);
    await world.remove(one, bare);
    await world.maintain();
    expect(await world.hasState(bare)).toBe(true);
    world.clock.advance(7 * dayMs);
    expect((await world.maintain()).done).toMatchObject({ swept: 1, sweptStates: 2, deleted: 3 });
    expect([await world.hasState(one), await world.hasState(two), await world.hasState(bare)]).toEqual([
      false,
      true,
      false,
    ]);
    const state = await world.expectSound();
    expect([...state.snapshots.keys()]).toEqual([two]);
  });

  test("a removed snapshot can be brought back until it is swept, and then not any more", async () => {
    const { world, one } = await onePackCondemned();
    await undeleteSnapshots(world.appender(), [one]);
    world.clock.advance(8 * dayMs);
    expect((await world.maintain()).done).toMatchObject({ condemned: 0, swept: 0 });
    await world.expectSound();
    await world.remove(one);
    await world.maintain();
    world.clock.advance(8 * dayMs);
    await world.maintain();
    await expect(undeleteSnapshots(world.appender(), [one])).rejects.toMatchObject({ kind: "absent" });
    expect(await world.stored("a", "b")).toEqual(["b"]);
  });

  test("a grace period set in the log has precedence, also for what is condemned already", async () => {
    const { world } = await onePackCondemned();
    world.clock.advance(2 * dayMs);
    expect((await setGracePeriod(world.appender(), 3 * dayMs, 7 * dayMs)).appended).toBe(true);
    expect((await setGracePeriod(world.appender(), 3 * dayMs, 7 * dayMs)).appended).toBe(false);
    expect((await world.maintain()).done).toMatchObject({ swept: 0 });
    world.clock.advance(dayMs);
    expect((await world.maintain()).done).toMatchObject({ swept: 1, sweptStates: 1 });
  });

  test("a plan to sweep is judged again: by the grace period and the condemnation that hold when it is carried out", async () => {
    const world = new SmallLog();
    const one = await world.commit("one", ["a", "b"]);
    await world.commit("two", ["c"]);
    await world.remove(one);
    await world.maintain();
    world.clock.advance(7 * dayMs);
    const { plan, execute } = await planned(world);
    expect(plan.sweep.length).toBe(2);
    await appendEntry(world.appender(), () => [{ type: "revive", packs: [packIdOf("a")] }]);
    await appendEntry(world.appender(), () => [{ type: "condemn", packs: [packIdOf("a")] }]);
    expect(await execute()).toMatchObject({ swept: 1, deleted: 1 });
    await setGracePeriod(world.appender(), 30 * dayMs, 7 * dayMs);
    expect(await execute()).toMatchObject({ swept: 0, deleted: 1 }); // what was swept is deleted again
    expect(await world.stored("a", "b")).toEqual(["a"]);
  });

  test("a live snapshot's pack that somebody condemned against the rules is revived, and a warning says so", async () => {
    const world = new SmallLog();
    await world.commit("one", ["a", "b"]);
    await appendEntry(world.appender(), () => [{ type: "condemn", packs: [packIdOf("a")] }]);
    world.clock.advance(30 * dayMs);
    const { done, warnings } = await world.maintain();
    expect(done).toMatchObject({ revived: 1, swept: 0 });
    expect(warnings.join()).toMatch(/1 pack .* was marked for deletion though live snapshots need it/);
    await world.expectSound();
  });

  test("what comes back after its sweep is deleted again, but not while a live snapshot needs it against the rules", async () => {
    const { world } = await onePackCondemned();
    world.clock.advance(7 * dayMs);
    await world.maintain();
    await world.upload("a");
    expect((await world.maintain()).done).toMatchObject({ deleted: 1, entries: 0 });
    expect(await world.stored("a")).toEqual([]);
    await world.upload("a");
    const broken = await world.stage("three", ["c"], ["a"]);
    const { headBytes, stateBytes, stateId } = broken;
    await appendEntry(world.appender(), () => [
      { type: "commit", stateId, commitId: broken.head.commitId, headBytes, stateBytes, revive: [] },
    ]);
    const { done, isPartial, warnings } = await world.maintain();
    expect([done?.deleted, isPartial]).toEqual([0, true]);
    expect(warnings.join()).toContain(packIdOf("a"));
    expect(await world.stored("a")).toEqual(["a"]);
  });

  test("a dry run writes nothing and deletes nothing", async () => {
    const { world } = await onePackCondemned();
    world.clock.advance(7 * dayMs);
    const { store, meter } = meteredStore(world.store);
    const { plan, done } = await world.maintain({ store, dryRun: true });
    expect(done).toBeUndefined();
    expect([...plan.sweep]).toEqual([packIdOf("a")]);
    expect([meter.puts, meter.deletes]).toEqual([0, 0]);
  });
});

describe("two maintenances at once", () => {
  test("a state that the other one sweeps before this one reads it is no damage", async () => {
    const { world, one } = await onePackCondemned();
    world.clock.advance(7 * dayMs);
    let isFirst = true;
    const store = interposedStore(world.store, async ({ verb, key }) => {
      if (verb !== "get" || key !== stateKey(one) || !isFirst) return;
      isFirst = false;
      expect((await world.maintain()).done).toMatchObject({ swept: 1, sweptStates: 1 });
    });
    const { isPartial, warnings } = await world.maintain({ store });
    expect([isFirst, isPartial, warnings]).toEqual([false, false, []]);
    await world.expectSound();
  });
});

describe("orphans", () => {
  test("packs of no state are left while they are young, then leave like any pack", async () => {
    const world = new SmallLog();
    await world.commit("one", ["a"]);
    await world.upload("orphan");
    const young = await world.maintain();
    expect(young.done).toMatchObject({ condemned: 0 });
    expect(young.plan.figures.young.count).toBe(1);
    world.clock.advance(dayMs);
    expect((await world.maintain()).done).toMatchObject({ condemned: 1 });
    world.clock.advance(7 * dayMs);
    expect((await world.maintain()).done).toMatchObject({ swept: 1, deleted: 1 });
    expect(await world.stored("a", "orphan")).toEqual(["a"]);
  });

  test("where the store tells no times, the condemnation counts as the first sight, and the sweep waits for the age too", async () => {
    const world = new SmallLog({ tellsTimes: false });
    await world.commit("one", ["a"]);
    await setGracePeriod(world.appender(), hourMs, 7 * dayMs);
    await world.upload("orphan");
    expect((await world.maintain()).done).toMatchObject({ condemned: 1 });
    world.clock.advance(dayMs - 1);
    expect((await world.maintain()).done).toMatchObject({ swept: 0 });
    world.clock.advance(1);
    expect((await world.maintain()).done).toMatchObject({ swept: 1 });
  });

  test("an orphan that a later backup adopts while it is condemned is revived by the commit and never swept", async () => {
    const world = new SmallLog();
    await world.commit("one", ["a"]);
    await world.upload("orphan");
    world.clock.advance(dayMs);
    await world.maintain();
    const stale = await planned(world);
    world.clock.advance(7 * dayMs);
    const sweeping = await planned(world);
    expect([...sweeping.plan.sweep]).toEqual([packIdOf("orphan")]);
    await world.commit("adopts", ["orphan"]);
    expect(await sweeping.execute()).toMatchObject({ swept: 0, deleted: 0 });
    expect(await stale.execute()).toMatchObject({ condemned: 0, swept: 0 });
    expect((await world.maintain()).done).toMatchObject({ condemned: 0, swept: 0, revived: 0 });
    await world.expectSound();
  });

  test("a state that was never published is swept once it is older than the grace period; its author is refused and stages another", async () => {
    const world = new SmallLog();
    await world.commit("one", ["a"]);
    const late = await world.stage("late", ["b"]);
    expect((await world.maintain()).done).toMatchObject({ sweptStates: 0 });
    world.clock.advance(dayMs);
    expect((await world.maintain()).done).toMatchObject({ sweptStates: 0, condemned: 1 });
    world.clock.advance(6 * dayMs - 1);
    expect((await world.maintain({ dryRun: true })).plan.figures.abandonedStates).toMatchObject({ count: 0 });
    expect((await world.maintain()).done).toMatchObject({ sweptStates: 0 });
    world.clock.advance(1);
    expect((await world.maintain({ dryRun: true })).plan.figures.abandonedStates).toMatchObject({ count: 1 });
    expect((await world.maintain()).done).toMatchObject({ sweptStates: 1 });
    await expect(publishState(world.appender(), { staged: late })).rejects.toMatchObject({
      detail: { rule: "commit-state-is-not-swept" },
    });
    await world.commit("late again", ["b"]);
    await world.expectSound();
  });
});

describe("a log that lost its end", () => {
  /** A world of three snapshots, the last two of which the log has lost. */
  async function cutOff(): Promise<SmallLog> {
    const world = new SmallLog();
    const one = await world.commit("one", ["a", "b"]);
    await world.remove(one);
    await world.commit("two", ["c"], [], 2);
    await world.commit("three", ["d"], [], 3);
    await world.maintain();
    world.clock.advance(30 * dayMs);
    for (const key of (await objectsOf(world.store)).keys())
      if (key >= logKey(3) && key < "p") await world.store.delete(key);
    return world;
  }

  test("shows in states that were made by more entries: nothing is written or deleted, unless a person accepts the log", async () => {
    const world = await cutOff();
    const before = await objectsOf(world.store);
    for (const dryRun of [true, false]) {
      const { plan, isPartial, warnings } = await world.maintain({ force: false, limitShare: 1, dryRun });
      expect([...plan.condemn, ...plan.sweep, ...plan.sweepStates, ...plan.leftoverPacks]).toEqual([]);
      expect(isPartial).toBe(true);
      expect(warnings.join("\n")).toMatch(/comes of 3 entries.*holdfast repair/);
    }
    expect(await objectsOf(world.store)).toEqual(before);
    expect((await world.maintain({ force: true })).isPartial).toBe(true);
    expect((await world.maintain({ acceptsLog: true })).done).toMatchObject({ sweptStates: 2 });
  });

  test("shows in snapshots that no entry publishes and that hold most of the store, which --force alone does not go past", async () => {
    const world = new SmallLog();
    await world.commit("one", ["a"]);
    const late = await world.stage("late", ["b", "c"]);
    world.clock.advance(2 * dayMs);
    const held = await world.maintain({ force: true });
    expect([held.isPartial, held.done?.condemned]).toEqual([true, 0]);
    expect(held.warnings.join()).toMatch(/no entry publishes hold 67 % .*holdfast repair.*--accept-rollback/);
    expect(reportOfMaintenance(held).ending).toMatch(/^the log seems to have lost entries/);
    expect((await world.maintain({ force: false, acceptsLog: true })).done).toMatchObject({ condemned: 2 });
    expect(await world.hasState(late.stateId)).toBe(true);
  });

  test("is not seen in a state that is staged while the survey is made", async () => {
    const world = new SmallLog();
    await world.commit("one", ["a"]);
    let isStaged = false;
    const store = interposedStore(world.store, async ({ verb, key }) => {
      if (verb !== "list" || !key.startsWith(statesPrefix) || isStaged) return;
      isStaged = true;
      await world.commit("two", ["b"], [], 1);
      await world.stage("three", ["c"], [], world.store, 2);
    });
    const { plan, isPartial } = await world.maintain({ store, force: false });
    expect({ isStaged, doubt: plan.doubt, isPartial }).toEqual({ isStaged: true, doubt: undefined, isPartial: false });
  });

  test("is suspected where there is none and old states are there, and not where they are young", async () => {
    const world = new SmallLog();
    await world.stage("first", ["a"]);
    expect(await world.maintain({ force: false })).toMatchObject({ isPartial: false, warnings: [] });
    world.clock.advance(30 * dayMs);
    const { done, isPartial, warnings } = await world.maintain({ force: false, limitShare: 1 });
    expect(done).toMatchObject({ condemned: 0, sweptStates: 0, deleted: 0, entries: 0 });
    expect(isPartial).toBe(true);
    expect(warnings.join("\n")).toContain("holdfast repair");
  });
});

describe("what an interrupted backup left", () => {
  const crashed = ["c1", "c2", "c3", "c4", "c5"];

  /** A small store, and the uploads of a large backup that was interrupted. */
  async function interrupted(): Promise<SmallLog> {
    const world = new SmallLog();
    await world.commit("one", ["a"]);
    for (const name of crashed) await world.upload(name);
    return world;
  }

  test("leaves after its age by plain runs, however much of the store it is, and stops none", async () => {
    const world = await interrupted();
    const young = await world.maintain({ force: false });
    expect([young.isPartial, young.done?.condemned, young.plan.figures.young.count]).toEqual([false, 0, 5]);
    world.clock.advance(dayMs);
    expect(await world.maintain({ force: false })).toMatchObject({ isPartial: false, done: { condemned: 5 } });
    world.clock.advance(7 * dayMs);
    expect(await world.maintain({ force: false })).toMatchObject({ isPartial: false, done: { swept: 5, deleted: 5 } });
    expect(await world.stored("a", ...crashed)).toEqual(["a"]);
  });

  test("keeps its age where a later backup took it over and had no use for it, and leaves by plain runs, too", async () => {
    const world = await interrupted();
    const own = await world.upload("own");
    const adopted = await Promise.all(crashed.map((name) => world.upload(name)));
    const { headBytes, section } = testState("adopts", { packs: [own, ...adopted], references: [own.packId] });
    await publishState(world.appender(), { staged: await stageState(world.store, headBytes, [section]) });
    const young = await world.maintain({ force: false });
    expect([young.isPartial, young.done?.condemned, young.plan.figures.young.count]).toEqual([false, 0, 5]);
    world.clock.advance(dayMs);
    expect(await world.maintain({ force: false })).toMatchObject({ isPartial: false, done: { condemned: 5 } });
    world.clock.advance(7 * dayMs);
    expect(await world.maintain({ force: false })).toMatchObject({ isPartial: false, done: { swept: 5 } });
    expect(await world.stored("a", "own", ...crashed)).toEqual(["a", "own"]);
    await world.expectSound();
  });

  test("is no cover for what snapshots used: that has the limit of its own", async () => {
    const world = await interrupted();
    const two = await world.commit("two", ["b1", "b2"]);
    await world.remove(two);
    world.clock.advance(2 * dayMs);
    const { plan, isPartial, done } = await world.maintain({ force: false });
    expect(plan.condemnLimit).toMatchObject({ goingBytes: (2 * (plan.condemnLimit?.ofBytes ?? 0)) / 3 });
    expect([isPartial, done?.condemned]).toEqual([true, 0]);
  });
});

describe("objects of another store", () => {
  test("are left alone, by force too, and told of", async () => {
    const world = new SmallLog();
    await world.commit("one", ["a"]);
    const foreign = encodePackHeader({ kind: "data", storeId: new Uint8Array(16).fill(9), salt: new Uint8Array(16) });
    const own = encodePackHeader({ kind: "data", storeId: idToBytes(testStoreId), salt: new Uint8Array(16) });
    const keys = [foreign, own].map((bytes) => packKey(idFromBytes("pack", sha256(bytes))));
    await world.store.put(keys[0] ?? "", [foreign]);
    await world.store.put(keys[1] ?? "", [own]);
    const { headBytes, section } = testState("theirs", { storeId: parseId("store", "ff".repeat(16)), baseSeq: 77 });
    const { stateId } = await stageState(world.store, headBytes, [section]);
    for (let runs = 0; runs < 3; runs++) {
      world.clock.advance(10 * dayMs);
      const { warnings } = await world.maintain();
      expect(warnings.join("\n")).toContain("2 objects");
    }
    expect(await world.hasState(stateId)).toBe(true);
    expect(await world.has(keys[0] ?? "")).toBe(true);
    expect(await world.has(keys[1] ?? "")).toBe(false);
  });
});

describe("what cannot be known", () => {
  test("while the state of a live snapshot cannot be read, nothing is condemned, swept or deleted, and it is named", async () => {
    const world = new SmallLog();
    const one = await world.commit("one", ["a"]);
    const two = await world.commit("two", ["b"]);
    const three = await world.commit("three", ["c"]);
    await world.remove(one);
    await world.maintain();
    await world.remove(three);
    world.clock.advance(30 * dayMs);
    await world.store.delete(stateKey(two));
    const { done, isPartial, warnings } = await world.maintain();
    expect(done).toMatchObject({ condemned: 0, swept: 0, sweptStates: 0, deleted: 0 });
    expect(isPartial).toBe(true);
    expect(warnings.join("\n")).toContain(two);
    await world.remove(two);
    expect((await world.maintain()).done).toMatchObject({ swept: 1 });
  });

  test("a removed snapshot whose state cannot be read keeps its state, is named, and stops nothing else", async () => {
    const world = new SmallLog();
    const one = await world.commit("one", ["a"]);
    await world.commit("two", ["b"]);
    await world.remove(one);
    await world.store.delete(stateKey(one));
    world.clock.advance(dayMs);
    const { done, isPartial, warnings } = await world.maintain();
    expect(done).toMatchObject({ condemned: 1 });
    expect(isPartial).toBe(true);
    expect(warnings.join("\n")).toContain(one);
  });

  test("a needed pack that is missing is named, and stops nothing else", async () => {
    const world = new SmallLog();
    await world.commit("one", ["a", "b"]);
    await world.store.delete(packKey(packIdOf("a")));
    const { isPartial, warnings } = await world.maintain();
    expect(isPartial).toBe(true);
    expect(warnings.join()).toContain(packIdOf("a"));
  });

  test("snapshots that are published between plan and execution are looked at before anything is condemned", async () => {
    const world = new SmallLog();
    const one = await world.commit("one", ["a", "b"]);
    await world.commit("two", ["c"]);
    await world.remove(one);
    const { plan, execute } = await planned(world);
    expect([...plan.condemn].sort()).toEqual([packIdOf("a"), packIdOf("b")].sort());
    await world.commit("three", ["d"], ["a"]);
    expect(await execute()).toMatchObject({ condemned: 1 });
    const state = await world.expectSound();
    expect([...state.condemned.keys()]).toEqual([packIdOf("b")]);
  });
});

describe("the safety limit", () => {
  test("keeps states that were never published, too", async () => {
    const world = new SmallLog();
    const one = await world.commit("one", ["a", "b", "c"]);
    await world.commit("two", ["d"]);
    const late = await world.stage("late", ["e"]);
    await world.remove(one);
    world.clock.advance(30 * dayMs);
    expect((await world.maintain({ force: false })).done).toMatchObject({ condemned: 0, sweptStates: 0, deleted: 0 });
    expect(await world.hasState(late.stateId)).toBe(true);
    expect((await world.maintain()).done).toMatchObject({ sweptStates: 1 });
  });

  test("more than the share of what is in use is not condemned without force, and a warning says what it would be", async () => {
    const world = new SmallLog();
    const one = await world.commit("one", ["a", "b", "c"]);
    await world.commit("two", ["d"]);
    await world.remove(one);
    const held = await world.maintain({ force: false });
    expect(held.done).toMatchObject({ condemned: 0 });
    expect(held.isPartial).toBe(true);
    expect(held.warnings.join()).toMatch(/safety limit.* mark .* of .* in use \(75\.0 %\).* --force/);
    expect((await world.maintain({ force: false, limitShare: 0.8 })).done).toMatchObject({ condemned: 3 });
  });

  test("more than the share of what is stored is not deleted without force, though it was condemned by force", async () => {
    const world = new SmallLog();
    const one = await world.commit("one", ["a", "b", "c"]);
    await world.commit("two", ["d"]);
    await world.remove(one);
    await world.maintain();
    world.clock.advance(7 * dayMs);
    const held = await world.maintain({ force: false });
    expect(held.done).toMatchObject({ swept: 0, sweptStates: 0, deleted: 0 });
    expect(held.isPartial).toBe(true);
    expect(held.warnings.join()).toMatch(/safety limit.* delete .* stored \(75\.0 %\).* --force/);
    expect(reportOfMaintenance(held)).toMatchObject({
      outcome: "partial",
      ending: "stopped by the safety limit, see above",
    });
    expect(await world.stored("a", "b", "c", "d")).toEqual(["a", "b", "c", "d"]);
    expect((await world.maintain()).done).toMatchObject({ swept: 3, deleted: 4 });
  });

  test("a log entry that removes, condemns and sweeps all at once does not make the next run delete it all", async () => {
    const world = new SmallLog();
    const one = await world.commit("one", ["a", "b"]);
    const packs = ["a", "b"].map(packIdOf).sort();
    await appendEntry(world.appender(), () => [
      { type: "remove", snapshots: [one] },
      { type: "condemn", packs },
      { type: "sweep", packs, states: [] },
    ]);
    const { done, isPartial } = await world.maintain({ force: false });
    expect([done?.deleted, isPartial]).toEqual([0, true]);
    expect(await world.stored("a", "b")).toEqual(["a", "b"]);
  });

  test("it does not keep what was condemned before from being swept", async () => {
    const world = new SmallLog();
    const one = await world.commit("one", ["a"]);
    const two = await world.commit("two", ["b", "c"]);
    await world.commit("three", ["d"]);
    await world.remove(one);
    await world.maintain({ force: false });
    await world.remove(two);
    world.clock.advance(7 * dayMs);
    expect((await world.maintain({ force: false })).done).toMatchObject({ condemned: 0, swept: 1, deleted: 2 });
  });
});
