import { describe, expect, test } from "vitest";
import { appendEntry } from "#shared/log/append-entry.ts";
import { removeSnapshots } from "#shared/log/remove-snapshots.ts";
import { undeleteSnapshots } from "#shared/log/undelete-snapshots.ts";
import { manualClock } from "#shared/store/manual-clock.ts";
import type { Store } from "#shared/store/store.ts";
import { dayMs, hourMs, onePackCondemned, packIdOf, SmallLog } from "./small-log.testing.ts";
import { reportOfMaintenance } from "./report-of-maintenance.ts";

/** What somebody appends whose clock is so far ahead of the store's. */
function ahead(world: SmallLog, ms: number) {
  return { ...world.appender(), clock: manualClock(world.clock.nowMs() + ms) };
}

/** A world whose store tells times by the clock of whoever asks, as a local disk does. */
function localWorld(clock = manualClock(1_700_000_000_000)): SmallLog {
  return new SmallLog({ clock });
}

describe("a clock that is ahead of the store's", () => {
  test("by more than an hour deletes and marks nothing, and the failure names both clocks", async () => {
    const { world, one } = await onePackCondemned();
    const before = (await world.log()).seq;
    for (const ms of [8 * dayMs, -8 * dayMs, 2 * hourMs]) {
      await expect(world.maintain({ appender: ahead(world, ms) })).rejects.toMatchObject({
        kind: "unavailable",
        message: expect.stringMatching(/this machine's clock is .* (ahead of|behind) the store's/),
        hint: expect.stringContaining("--accept-clock"),
      });
    }
    expect((await world.log()).seq).toBe(before);
    await undeleteSnapshots(world.appender(), [one]);
    await world.expectSound();
  });

  test("is accepted by a person, and then the grace period must have passed by both clocks", async () => {
    const { world, one } = await onePackCondemned();
    const early = await world.maintain({ appender: ahead(world, 8 * dayMs), acceptsClock: true });
    expect(early.done).toMatchObject({ swept: 0, sweptStates: 0 });
    world.clock.advance(7 * dayMs);
    await expect(world.maintain({ appender: ahead(world, -8 * dayMs), acceptsClock: true })).resolves.toMatchObject({
      done: { swept: 0 },
    });
    const due = await world.maintain({ appender: ahead(world, 8 * dayMs), acceptsClock: true });
    expect(due.done).toMatchObject({ swept: 1, sweptStates: 1 });
    await expect(undeleteSnapshots(world.appender(), [one])).rejects.toMatchObject({ kind: "absent" });
  });

  test("by less than an hour is taken as it is", async () => {
    const { world } = await onePackCondemned();
    world.clock.advance(7 * dayMs);
    const { done } = await world.maintain({ appender: ahead(world, hourMs / 2) });
    expect(done).toMatchObject({ swept: 1 });
  });
});

describe("entries that were written by a wrong clock", () => {
  test("a condemnation dated in the past waits for the grace period by the store's clock all the same", async () => {
    const world = new SmallLog();
    const one = await world.commit("one", ["a"]);
    await world.commit("two", ["b"]);
    await removeSnapshots(ahead(world, -30 * dayMs), [one]);
    await appendEntry(ahead(world, -30 * dayMs), () => [{ type: "condemn", packs: [packIdOf("a")] }]);
    await appendEntry(world.appender(), () => [{ type: "settings", graceMs: 7 * dayMs }]);
    world.clock.advance(7 * dayMs - 1);
    expect((await world.maintain()).done).toMatchObject({ swept: 0, sweptStates: 0 });
    await undeleteSnapshots(world.appender(), [one]);
    await world.remove(one);
    world.clock.advance(1);
    await world.maintain();
    world.clock.advance(7 * dayMs);
    expect((await world.maintain()).done).toMatchObject({ swept: 1, sweptStates: 1 });
  });

  test("a condemnation dated 70 years ahead is made anew, with a warning, and swept a grace period later", async () => {
    const world = new SmallLog();
    const one = await world.commit("one", ["a"]);
    await world.commit("two", ["b"]);
    await removeSnapshots(ahead(world, 70 * 365 * dayMs), [one]);
    await appendEntry(ahead(world, 70 * 365 * dayMs), () => [{ type: "condemn", packs: [packIdOf("a")] }]);
    const { done, warnings } = await world.maintain({ force: false });
    expect(done).toMatchObject({ recondemned: 1, swept: 0, condemned: 0 });
    expect(warnings.join()).toMatch(/1 pack .* by a clock that was ahead/);
    world.clock.advance(7 * dayMs - 1);
    expect((await world.maintain({ force: false })).done).toMatchObject({ recondemned: 0, swept: 0 });
    world.clock.advance(1);
    expect((await world.maintain({ force: false })).done).toMatchObject({ swept: 1, sweptStates: 1 });
  });

  test("a log that was silent for months is doubted once: the first run notes the time, the second goes on", async () => {
    const world = localWorld();
    const one = await world.commit("one", ["a"]);
    await world.commit("two", ["b"]);
    await world.remove(one);
    await world.maintain();
    world.clock.advance(70 * 365 * dayMs);
    const first = await world.maintain({ force: false });
    expect(first.done).toMatchObject({ swept: 0, sweptStates: 0, deleted: 0, condemned: 0 });
    expect(first.isPartial).toBe(true);
    expect(first.warnings.join()).toMatch(/newest log entry is 25550 days old.*run maintenance again/);
    expect(reportOfMaintenance(first).ending).toMatch(/the clock may have jumped/);
    expect(await world.stored("a")).toEqual(["a"]);
    expect((await world.maintain({ force: false })).done).toMatchObject({ swept: 1 });
  });
});

describe("orphans", () => {
  test("are as old as the store's clock says, whatever this machine's says", async () => {
    const world = new SmallLog();
    await world.commit("one", ["a"]);
    await world.upload("orphan");
    const late = { appender: ahead(world, 2 * dayMs), acceptsClock: true };
    expect((await world.maintain(late)).done).toMatchObject({ condemned: 0 });
    world.clock.advance(dayMs);
    expect((await world.maintain({ appender: ahead(world, -2 * dayMs), acceptsClock: true })).done).toMatchObject({
      condemned: 1,
    });
  });
});

test("a store that tells times and no clock of its own goes by this machine's clock and the times of its entries", async () => {
  const { world } = await onePackCondemned();
  const { clockMs: _clockMs, ...store }: Store = world.store;
  world.clock.advance(7 * dayMs - 1);
  expect((await world.maintain({ store })).done).toMatchObject({ swept: 0 });
  world.clock.advance(1);
  expect((await world.maintain({ store })).done).toMatchObject({ swept: 1 });
});
