import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { afterEach, describe, expect, it } from "vitest";
import { isHoldfastError } from "#shared/errors.ts";
import { objectsOf } from "#shared/operations/small-store.testing.ts";
import { logKey } from "#shared/store/object-key.ts";
import type { Store } from "#shared/store/store.ts";
import type { MaintenanceRequest, RepairRequest, SnapshotSummary } from "#agent/commands/engine.ts";
import { snapshotLine, snapshotRecord } from "#agent/render/describe-snapshot.ts";
import { SmallHost, treeLines } from "./small-host.testing.ts";

const hosts: SmallHost[] = [];
afterEach(() => {
  for (const host of hosts.splice(0)) host.remove();
});

/** A host with two snapshots of a few files. */
async function twice(): Promise<SmallHost> {
  const host = await SmallHost.make();
  hosts.push(host);
  writeFileSync(host.path("source", "one"), "one".repeat(10_000));
  await host.backup();
  writeFileSync(host.path("source", "two"), "two".repeat(10_000));
  await host.backup();
  return host;
}

const repair = (host: SmallHost, request: Partial<RepairRequest> = {}, acceptRollback = false) =>
  host.run((engine) => engine.repair({ apply: false, read: false, dropLost: false, force: false, ...request }), {
    acceptRollback,
  });

async function snapshots(host: SmallHost): Promise<SnapshotSummary[]> {
  const found: SnapshotSummary[] = [];
  await host.run(async (engine) => {
    for await (const each of engine.snapshots({ tags: [], host: undefined, name: undefined, latest: undefined }))
      found.push(each);
    return { operation: "ls", outcome: "ok", facts: {} };
  });
  return found;
}

async function lose(store: Store, prefix: string): Promise<void> {
  for (const key of (await objectsOf(store)).keys()) if (key.startsWith(prefix)) await store.delete(key);
}

describe("holdfast repair", () => {
  it("says that a sound store is sound, and changes nothing", async () => {
    const host = await twice();
    const before = await objectsOf(host.store);
    expect(await repair(host, { read: true })).toMatchObject({ outcome: "ok", facts: { damaged: 0 } });
    const applied = await repair(host, { apply: true });
    expect(applied).toMatchObject({ outcome: "ok", facts: { mended: 0, newStates: 0 } });
    expect(applied.notices.map((each) => each.message).join()).toMatch(/content of packs was not read/);
    expect((await repair(host, { read: true })).notices.map((each) => each.message).join()).not.toMatch(/not read/);
    expect(await objectsOf(host.store)).toEqual(before);
  });

  it("tells of lost states without --apply, and brings the snapshots back with it, under new ids that the old ones lead to", async () => {
    const host = await twice();
    const before = await snapshots(host);
    await lose(host.store, "states/");
    await lose(host.store, "checkpoints/");
    const damaged = await objectsOf(host.store);
    expect(await repair(host)).toMatchObject({ outcome: "corrupt" });
    expect(await objectsOf(host.store)).toEqual(damaged);
    const done = await repair(host, { apply: true });
    expect(done).toMatchObject({ outcome: "ok", facts: { newStates: 2, lost: [] } });
    const after = await snapshots(host);
    // The copy of a header was made before its backup was over.
    const described = ({ id: _id, durationMs: _durationMs, repaired: _repaired, ...rest }: SnapshotSummary) => rest;
    expect(after.map(described)).toEqual(before.map(described));
    for (const [index, { id }] of before.entries()) {
      expect(done.notices.map((each) => each.message)).toContain(`Snapshot ${id} is ${after[index]?.id} now`);
      const reference = { snapshot: { by: "prefix", prefix: id }, path: host.source } as const;
      expect(await host.restore({ reference })).toMatchObject({ outcome: "ok" });
    }
    const { target } = await host.restore();
    expect(treeLines(target)).toEqual(treeLines(host.source));
    expect(await repair(host, { read: true })).toMatchObject({ outcome: "ok" });
  });

  it("leaves a mark on snapshots that lost files, which ls, info and their JSON show until the files are back", async () => {
    const host = await twice();
    const [before] = await snapshots(host);
    const whole = [...(await objectsOf(host.store))].filter(([key]) => key.startsWith("packs/"));
    expect(before).toMatchObject({ errors: 0, lostPaths: 0, repaired: false });
    await lose(host.store, "packs/");
    await repair(host, { apply: true, force: true });
    for (const each of await snapshots(host)) {
      expect(each).toMatchObject({ errors: 1, lostPaths: 1, repaired: true });
      expect(snapshotLine(each)).toMatch(/ {2}DAMAGED: 1 path lost$/);
      expect(snapshotRecord(each)).toMatchObject({ lostPaths: 1, repaired: true });
    }
    const errors: unknown[] = [];
    await host.run(async (engine) => {
      const reference = { by: "prefix", prefix: before?.id ?? "" } as const;
      expect(await engine.snapshot(reference)).toMatchObject({ lostPaths: 1 });
      for await (const each of engine.entryErrors(reference)) errors.push(each);
      return { operation: "info", outcome: "ok", facts: {} };
    });
    expect(errors).toMatchObject([{ kind: "lost", path: expect.stringContaining(host.source) }]);
    for (const [key, bytes] of whole) await host.store.put(key, [bytes]);
    await repair(host, { apply: true });
    for (const each of await snapshots(host)) expect(each).toMatchObject({ errors: 0, lostPaths: 0, repaired: true });
    const { target } = await host.restore();
    expect(treeLines(target)).toEqual(treeLines(host.source));
  });

  it("does not go on with a log that is not the one that was seen before until that is accepted", async () => {
    const host = await twice();
    await lose(host.store, "log/");
    await lose(host.store, "checkpoints/");
    expect(await repair(host)).toMatchObject({ outcome: "corrupt" });
    const before = await objectsOf(host.store);
    await expect(repair(host, { apply: true })).rejects.toSatisfy((error) => isHoldfastError(error, "corrupt"));
    expect(await objectsOf(host.store)).toEqual(before);
    expect(await repair(host, { apply: true }, true)).toMatchObject({ outcome: "ok", facts: { broughtBack: 2 } });
    expect(await snapshots(host)).toHaveLength(2);
    expect(await host.backup()).toMatchObject({ outcome: "ok" });
  });

  it("brings back what the end of a log had published that was cut off, once that is accepted", async () => {
    const host = await twice();
    const seq = await host.keys("log/");
    await lose(host.store, "checkpoints/");
    for (const key of seq.slice(1)) await host.store.delete(key);
    await expect(repair(host, { apply: true })).rejects.toSatisfy((error) => isHoldfastError(error, "corrupt"));
    expect(await repair(host, { apply: true }, true)).toMatchObject({ outcome: "ok", facts: { broughtBack: 1 } });
    expect(await snapshots(host)).toHaveLength(2);
    const { target } = await host.restore();
    expect(treeLines(target)).toEqual(treeLines(host.source));
  });

  it("and check have the next backup go through its trees again where they find damage, and only there", async () => {
    const host = await twice();
    const remembered = host.path("cache", "leaves");
    mkdirSync(remembered, { recursive: true });
    expect(await host.check()).toMatchObject({ outcome: "ok" });
    expect(await repair(host)).toMatchObject({ outcome: "ok" });
    expect(existsSync(remembered)).toBe(true);
    await lose(host.store, "packs/");
    expect(await host.check()).toMatchObject({ outcome: "corrupt" });
    expect(existsSync(remembered)).toBe(false);
    mkdirSync(remembered);
    expect(await repair(host)).toMatchObject({ outcome: "corrupt" });
    expect(existsSync(remembered)).toBe(false);
  });

  it("mends a log with a damaged entry, and every command goes on", async () => {
    const host = await twice();
    await lose(host.store, "checkpoints/");
    await host.store.delete(logKey(1));
    await host.store.put(logKey(1), [new Uint8Array(0)]);
    await expect(snapshots(host)).rejects.toSatisfy((error) => isHoldfastError(error, "corrupt"));
    expect(await repair(host, { apply: true })).toMatchObject({ outcome: "ok" });
    expect(await snapshots(host)).toHaveLength(2);
    expect(await host.backup()).toMatchObject({ outcome: "ok" });
    const { target } = await host.restore();
    expect(treeLines(target)).toEqual(treeLines(host.source));
  });

  it("names a snapshot of which nothing is left, and removes it when it is told to", async () => {
    const host = await twice();
    await lose(host.store, "states/");
    await lose(host.store, "checkpoints/");
    await lose(host.store, "packs/");
    const done = await repair(host, { apply: true });
    expect(done).toMatchObject({ outcome: "partial" });
    expect(done.errors.filter((each) => each.kind === "lost")).toHaveLength(2);
    expect(await repair(host, { apply: true, dropLost: true })).toMatchObject({
      outcome: "ok",
      facts: { removedSnapshots: 2 },
    });
    expect(await snapshots(host)).toEqual([]);
    expect(await host.backup()).toMatchObject({ outcome: "ok" });
  });
});

describe("a store of which most packs do not read as they were written", () => {
  it("is left as it is, unless by force: it may be the way to the store that is at fault", async () => {
    const host = await twice();
    const whole = await objectsOf(host.store);
    const flip = async (): Promise<void> => {
      for (const [key, bytes] of whole) {
        if (!key.startsWith("packs/")) continue;
        await host.store.delete(key);
        await host.store.put(key, [bytes.with(bytes.length >> 1, (bytes[bytes.length >> 1] ?? 0) ^ 1)]);
      }
    };
    await flip();
    const damaged = await objectsOf(host.store);
    expect(await repair(host, { read: true })).toMatchObject({ outcome: "corrupt" });
    await expect(repair(host, { read: true, apply: true })).rejects.toMatchObject({
      kind: "corrupt",
      message: expect.stringMatching(/^Cannot repair: 4 of 4 packs, 100 % of the store,/),
      hint: expect.stringContaining("another host"),
    });
    expect(await objectsOf(host.store)).toEqual(damaged);
    const done = await repair(host, { read: true, apply: true, force: true });
    expect(done).toMatchObject({ outcome: "partial", facts: { condemnedPacks: 4 } });
  });
});

describe("a store whose log is gone", () => {
  /** A host that has never seen the store. */
  const stranger = (store: Store): SmallHost => {
    const host = SmallHost.visit(store);
    hosts.push(host);
    writeFileSync(host.path("source", "three"), "three".repeat(10_000));
    return host;
  };
  const attempts: readonly [string, (host: SmallHost) => Promise<unknown>][] = [
    ["backup", (host) => host.backup()],
    ["maintenance", (host) => host.run((engine) => engine.maintenance(someMaintenance))],
    [
      "rm",
      (host) =>
        host.run(async (engine) => {
          await engine.remove([{ by: "age", back: 0 }], { apply: true });
          return { operation: "rm", outcome: "ok", facts: {} };
        }),
    ],
  ];
  const someMaintenance: MaintenanceRequest = {
    dryRun: false,
    force: false,
    compact: true,
    setGraceMs: undefined,
    orphanAgeMs: 0,
    acceptClock: false,
    limitPercent: 100,
  };

  it.each(["with checkpoints", "with states alone"])(
    "is refused by whoever writes, told by whoever reads, and mended, %s",
    async (what) => {
      const host = await twice();
      const before = await snapshots(host);
      await host.run((engine) => engine.maintenance(someMaintenance));
      await lose(host.store, "log/");
      if (what === "with states alone") await lose(host.store, "checkpoints/");
      const ruins = await objectsOf(host.store);
      for (const [name, attempt] of attempts) {
        const visitor = stranger(host.store);
        await expect(attempt(visitor), name).rejects.toMatchObject({
          kind: "corrupt",
          hint: expect.stringContaining("holdfast repair") as string,
        });
      }
      expect(await objectsOf(host.store)).toEqual(ruins);
      const visitor = stranger(host.store);
      await expect(snapshots(visitor)).rejects.toMatchObject({ kind: "corrupt" });
      const checked = await visitor.run((engine) => engine.check({ snapshots: [], readPercent: 100 }));
      expect(checked).toMatchObject({ outcome: "corrupt", errors: [{ path: "log" }] });
      expect(await repair(visitor)).toMatchObject({ outcome: "corrupt" });
      expect(await objectsOf(host.store)).toEqual(ruins);
      expect(await repair(visitor, { apply: true, read: true })).toMatchObject({ outcome: "ok" });
      expect((await snapshots(visitor)).map((each) => each.id)).toEqual(before.map((each) => each.id));
      expect(await repair(visitor, { apply: true, read: true })).toMatchObject({ outcome: "ok", facts: { mended: 0 } });
      await visitor.backup();
      expect(await snapshots(visitor)).toHaveLength(3);
      expect(await visitor.run((engine) => engine.check({ snapshots: [], readPercent: 100 }))).toMatchObject({
        outcome: "ok",
      });
    },
  );

  it("is checked before its checkpoint, too: what is missing there is partial, and no more once a repair went on behind it", async () => {
    const host = await twice();
    await host.run((engine) => engine.maintenance(someMaintenance));
    const whole = await objectsOf(host.store);
    await host.store.delete(logKey(1));
    const checked = await host.check();
    expect(checked).toMatchObject({ outcome: "partial", facts: { damagedObjects: [], lostLogEntries: [logKey(1)] } });
    expect(checked.notices).toMatchObject([{ level: "warning", message: expect.stringContaining(logKey(1)) }]);
    await host.store.put(logKey(1), [whole.get(logKey(1)) ?? expect.fail("no entry")]);
    expect((await host.check()).outcome).toBe("ok");

    await lose(host.store, "checkpoints/");
    await host.store.delete(logKey(2));
    expect(await repair(host, { apply: true }, true)).toMatchObject({ outcome: "ok" });
    await host.backup();
    const known = await host.check();
    expect(known.outcome).toBe("ok");
    expect(known.facts["lostLogEntries"]).toBeUndefined();
    expect(known.notices).toMatchObject([{ level: "info", message: expect.stringContaining("of a repair, went on") }]);
  });

  it("shows, and is mended, where its end alone is gone and only states tell of it", async () => {
    const host = await twice();
    writeFileSync(host.path("source", "more"), "more".repeat(10_000));
    await host.backup();
    const before = await snapshots(host);
    await lose(host.store, "checkpoints/");
    for (const seq of [2, 3]) await host.store.delete(logKey(seq));
    const visitor = stranger(host.store);
    expect(await snapshots(visitor)).toHaveLength(1);
    expect(await visitor.run((engine) => engine.maintenance(someMaintenance))).toMatchObject({ outcome: "partial" });
    expect(await repair(visitor, { apply: true })).toMatchObject({ outcome: "ok", facts: { broughtBack: 2 } });
    expect((await snapshots(visitor)).map((each) => each.id)).toEqual(before.map((each) => each.id));
    expect(await repair(visitor, { apply: true })).toMatchObject({ outcome: "ok", facts: { mended: 0 } });
    expect(await visitor.run((engine) => engine.maintenance(someMaintenance))).toMatchObject({ outcome: "ok" });
  });

  it("is suspected where the only backup may have been the first that was interrupted", async () => {
    const host = await SmallHost.make();
    hosts.push(host);
    writeFileSync(host.path("source", "one"), "one".repeat(10_000));
    await host.backup();
    await lose(host.store, "log/");
    const visitor = stranger(host.store);
    const checked = await visitor.run((engine) => engine.check({ snapshots: [], readPercent: 0 }));
    expect(checked).toMatchObject({ outcome: "partial" });
    expect(checked.notices.map((each) => each.message).join("\n")).toContain("or the log is lost");
    const planned = await repair(visitor);
    expect(planned.notices.map((each) => each.message).join("\n")).toContain("1 states are there that no log entry");
    expect((await visitor.backup()).notices.map((each) => each.message).join("\n")).toContain("or the log is lost");
  });

  it("is mended, too, where somebody has begun another log already", async () => {
    const host = await twice();
    const before = await snapshots(host);
    await host.run((engine) => engine.maintenance(someMaintenance));
    const checkpoints = [...(await objectsOf(host.store))].filter(([key]) => key.startsWith("checkpoints/"));
    await lose(host.store, "log/");
    await lose(host.store, "checkpoints/");
    const states = [...(await objectsOf(host.store))].filter(([key]) => key.startsWith("states/"));
    await lose(host.store, "states/");
    await stranger(host.store).backup();
    for (const [key, bytes] of [...checkpoints, ...states]) await host.store.put(key, [bytes]);
    const visitor = stranger(host.store);
    await expect(visitor.backup()).rejects.toMatchObject({ kind: "corrupt" });
    expect(await repair(visitor, { apply: true, read: true })).toMatchObject({ outcome: "ok" });
    const ids = (await snapshots(visitor)).map((each) => each.id);
    expect(ids).toHaveLength(3);
    for (const { id } of before) expect(ids).toContain(id);
  });
});
