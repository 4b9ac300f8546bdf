import type * as threads from "node:worker_threads";
import { describe, expect, it, vi } from "vitest";
import { type Bundle, bundleKeys } from "#shared/crypto/bundle.ts";
import { HoldfastError } from "#shared/errors.ts";
import { encodeConfig } from "#shared/format/config.ts";
import { appendEntry } from "#shared/log/append-entry.ts";
import { undeleteSnapshots } from "#shared/log/undelete-snapshots.ts";
import { type ScriptedEntry, scriptedSource } from "#shared/operations/backup/scripted-source.testing.ts";
import { expectSound } from "#shared/operations/small-expectations.testing.ts";
import {
  backupSmall,
  createSmall,
  fill,
  noise,
  objectsOf,
  openSmall,
  readWhole,
  removeOldest,
  storeOfBackups,
} from "#shared/operations/small-store.testing.ts";
import { systemRandom } from "#shared/random.ts";
import { readConfig } from "#shared/repository/open-repository.ts";
import { faultyStore, worldEndings } from "#shared/store/faulty-store.ts";
import { memoryStore } from "#shared/store/memory-store.ts";
import { configKey, packKey, stateKey } from "#shared/store/object-key.ts";
import type { Store } from "#shared/store/store.ts";
import { compact } from "./compact.ts";
import { compactSmall, keylessAppender, planSmall } from "./small-compaction.testing.ts";

vi.mock("node:worker_threads", async (importActual) => {
  const { freshThreads } = await import("#shared/operations/fresh-threads.testing.ts");
  return freshThreads(await importActual<typeof threads>());
});

const source = (entries: readonly ScriptedEntry[]) => scriptedSource({ entries });

/** Ten files of 12 kB, of which those numbered in `changed` are as of `day`. */
function treeOf(day: number, changed: readonly number[]): ScriptedEntry[] {
  return Array.from({ length: 10 }, (_each, file) => ({
    path: `d${file % 3}/f${file}`,
    content: noise(changed.includes(file) ? `${file} of ${day}` : `${file}`, 12_000),
    mtimeSec: changed.includes(file) ? 1_000_000 + day : 1_000_000,
  }));
}

/** A store with packs of which a part only is needed: what the first snapshot had is changed in the second, and the first is removed. */
async function sparseStore(): Promise<{ store: Store; whole: Map<string, string> }> {
  const store = await storeOfBackups(treeOf(0, []), treeOf(1, [0, 2, 3, 5, 6, 8]));
  const whole = await readWhole(await openSmall(store));
  await removeOldest(store, 1);
  return { store, whole };
}

/** A store that only who has the master secret can read. */
async function sealedStore(masterSecret: Uint8Array): Promise<Store> {
  const store = memoryStore();
  await createSmall(store);
  const { config } = await readConfig(store);
  const { hpke } = await bundleKeys({ role: "owner", masterSecret });
  await store.delete(configKey);
  await store.put(configKey, [
    encodeConfig({ ...config, secrecy: "sealed", publicKey: hpke?.publicKey ?? config.publicKey }),
  ]);
  return store;
}

/** What a reader finds after the condemned packs are gone from the store. */
async function readWithoutCondemned(store: Store, back = 0): Promise<Map<string, string>> {
  const repository = await openSmall(store);
  for (const packId of repository.log.condemned.keys()) await store.delete(packKey(packId));
  return readWhole(await openSmall(store), back);
}

async function expectWhole(store: Store, whole: ReadonlyMap<string, string>, what: string): Promise<void> {
  expect(await readWhole(await openSmall(store)), what).toEqual(whole);
  await expectSound(store, what);
}

describe("compact", () => {
  it("moves what is needed out of sparse packs, condemns those, and every file reads as before without them", async () => {
    const { store, whole } = await sparseStore();
    const report = await compactSmall(store);
    expect(report.plan.groups.length).toBeGreaterThan(0);
    expect(report.relocatedPacks).toEqual(report.plan.packs);
    expect(report.condemnedPacks).toEqual(report.plan.packs);
    expect([report.damaged, report.overtakenPacks]).toEqual([[], []]);
    expect(report.bytesRead).toBe(report.plan.bytesToRead);
    expect(Math.abs(report.bytesWritten - report.plan.bytesToWrite)).toBeLessThan(1000);
    expect(report.bytesFreed).toBe(report.bytesRead - report.bytesWritten);
    await expectWhole(store, whole, "after compaction");
    expect(await readWithoutCondemned(store)).toEqual(whole);
    expect((await planSmall(store)).plan.groups).toEqual([]);
  });

  it("needs no key of a sealed store, and asks for none", async () => {
    const masterSecret = systemRandom(32);
    const bundle: Bundle = { role: "owner", masterSecret };
    const sealed = await sealedStore(masterSecret);
    for (let day = 0; day < 4; day++) await backupSmall(sealed, [source(treeOf(day, [day]))], { bundle });
    const whole = await readWhole(await openSmall(sealed, bundle));
    const seen: string[] = [];
    const report = await compactSmall(faultyStore(sealed, { fault: ({ key }) => (seen.push(key), undefined) }));
    expect(report.condemnedPacks.length).toBeGreaterThanOrEqual(4);
    expect(seen.filter((key) => key.startsWith("keys/"))).toEqual([]);
    for (const packId of report.condemnedPacks) await sealed.delete(packKey(packId));
    expect(await readWhole(await openSmall(sealed, bundle))).toEqual(whole);
  });

  it("merges the small packs of many backups into a few", async () => {
    const store = await storeOfBackups(...Array.from({ length: 8 }, (_each, day) => treeOf(day, [day])));
    const whole = await readWhole(await openSmall(store), 7);
    const report = await compactSmall(store);
    const packs = report.plan.packs.length;
    expect(packs).toBeGreaterThanOrEqual(8);
    expect(report.newPacks.length).toBeLessThanOrEqual(packs / 4);
    await expectSound(store);
    expect(await readWithoutCondemned(store, 7)).toEqual(whole);
  });

  it("copies again what was copied once, when that is sparse in its turn", async () => {
    const { store } = await sparseStore();
    await compactSmall(store);
    await backupSmall(store, [source(treeOf(2, [0, 1, 2, 3, 4, 5, 6, 7]))]);
    await removeOldest(store, 1);
    const whole = await readWhole(await openSmall(store));
    const report = await compactSmall(store);
    const { log } = report;
    expect(report.relocatedPacks.some((packId) => log.placed.has(packId))).toBe(true);
    await expectWhole(store, whole, "after the second compaction");
    expect(await readWithoutCondemned(store)).toEqual(whole);
  });

  it("leaves a damaged and a missing pack as they are, names them, and compacts the others", async () => {
    const { store, whole } = await sparseStore();
    const { plan, appender, census } = await planSmall(store);
    const [damaged, missing] = plan.groups.flatMap((group) => group.packs).slice(-2);
    if (damaged === undefined || missing === undefined) return expect.fail("there are not two packs to compact");
    const objects = await objectsOf(store);
    const bytes = objects.get(packKey(damaged.packId))?.slice() ?? new Uint8Array(0);
    bytes[100] = (bytes[100] ?? 0) ^ 1;
    objects.set(packKey(damaged.packId), bytes);
    const kept = objects.get(packKey(missing.packId)) ?? new Uint8Array(0);
    objects.delete(packKey(missing.packId));
    const broken = await fill(memoryStore(), objects);
    const report = await compact({ appender: { ...appender, store: broken }, plan, census });
    expect(report.damaged.map(({ packId, error }) => [packId, error.kind]).sort()).toEqual(
      [
        [damaged.packId, "corrupt"],
        [missing.packId, "absent"],
      ].sort(),
    );
    expect(report.relocatedPacks.length).toBe(plan.packs.length - 2);
    expect(report.log.relocated.has(damaged.packId)).toBe(false);
    await broken.put(packKey(missing.packId), [kept]);
    await broken.delete(packKey(damaged.packId));
    await broken.put(packKey(damaged.packId), [await store.get(packKey(damaged.packId))]);
    await expectWhole(broken, whole, "once they are mended");
  });

  it("compacts nothing while the state of a live snapshot cannot be read, and leaves alone the packs of a removed one", async () => {
    const { store } = await sparseStore();
    const { from } = await keylessAppender(store);
    for (const { stateId, removed } of from.snapshots.values()) {
      const objects = await objectsOf(store);
      objects.delete(stateKey(stateId));
      const { plan } = await planSmall(await fill(memoryStore(), objects));
      if (removed === undefined) {
        expect(plan.unreadable).toEqual([stateId]);
        expect(plan.groups).toEqual([]);
      } else {
        expect(plan.unreadable).toEqual([]);
        const added = (await planSmall(store)).plan.packs;
        expect(plan.packs.length).toBeLessThan(added.length);
      }
    }
  });

  it("reads no more than it is allowed to, and says what it left", async () => {
    const { store } = await sparseStore();
    const all = (await planSmall(store)).plan;
    const { plan } = await planSmall(store, { readBytesMax: all.bytesToRead - 1 });
    expect(plan.bytesToRead).toBeLessThan(all.bytesToRead);
    expect(plan.left.packs).toBeGreaterThan(0);
    expect((await planSmall(store, { readBytesMax: 0 })).plan.groups).toEqual([]);
  });
});

describe("compact, while others are at work", () => {
  it("keeps a pack from which a backup takes segments that were needed by nobody when it was copied", async () => {
    const { store, whole } = await sparseStore();
    const planned = await planSmall(store);
    // The old content is back: its segments are in the packs that the first backup made, and needed by nobody until now.
    await backupSmall(store, [source(treeOf(0, []))]);
    const again = await readWhole(await openSmall(store));
    const report = await compact(planned);
    expect(report.overtakenPacks.length).toBeGreaterThan(0);
    expect(report.log.relocated.size).toBe(report.relocatedPacks.length);
    expect(await readWithoutCondemned(store)).toEqual(again);
    expect(await readWithoutCondemned(store, 1)).toEqual(whole);
  });

  it("keeps what a backup relies on that folded the log before and commits after", async () => {
    const { store, whole } = await sparseStore();
    // The backup is held up before its entry, until the compaction is through.
    let compacted: Awaited<ReturnType<typeof compactSmall>> | undefined;
    const slow: Store = {
      ...store,
      put: async (key, body, options) => {
        if (key.startsWith("log/") && compacted === undefined) compacted = await compactSmall(store);
        return store.put(key, body, options);
      },
    };
    await backupSmall(slow, [source([...treeOf(0, []), { path: "new", content: noise("new", 9000) }])]);
    expect(compacted?.condemnedPacks.length).toBeGreaterThan(0);
    await expectSound(store);
    const again = await readWhole(await openSmall(store));
    expect(await readWithoutCondemned(store)).toEqual(again);
    expect(await readWithoutCondemned(store, 1)).toEqual(whole);
  });

  it.each([
    ["needs nothing of what was left behind", treeOf(1, [0, 2, 3, 5, 6, 8]), true],
    ["needs what was left behind", treeOf(0, []), false],
  ])("a snapshot that comes just before the entry and %s", async (_what, tree, isFree) => {
    const { store } = await sparseStore();
    let hasCome = false;
    const raced: Store = {
      ...store,
      put: async (key, body, options) => {
        if (key.startsWith("log/") && !hasCome) {
          hasCome = true;
          await backupSmall(store, [source(tree)]);
        }
        return store.put(key, body, options);
      },
    };
    const report = await compactSmall(raced);
    expect(hasCome).toBe(true);
    expect(report.condemnedPacks).toEqual(report.relocatedPacks);
    if (isFree) expect([report.overtakenPacks, report.relocatedPacks]).toEqual([[], report.plan.packs]);
    else expect(report.overtakenPacks.length).toBeGreaterThan(0);
    await expectSound(store);
    const whole = await readWhole(await openSmall(store));
    expect(await readWithoutCondemned(store)).toEqual(whole);
  });

  it("relocates, and condemns nothing, when snapshots never cease to come", async () => {
    const { store } = await sparseStore();
    let [isBusy, day] = [false, 2];
    const busy: Store = {
      ...store,
      put: async (key, body, options) => {
        if (key.startsWith("log/") && !isBusy && day < 12) {
          isBusy = true;
          await backupSmall(store, [
            source([...treeOf(1, [0, 2, 3, 5, 6, 8]), { path: `new ${day++}`, content: "new" }]),
          ]);
          isBusy = false;
        }
        return store.put(key, body, options);
      },
    };
    const report = await compactSmall(busy);
    expect(report.relocatedPacks).toEqual(report.plan.packs);
    expect(report.condemnedPacks).toEqual([]);
    await expectSound(store);
  });

  it("two at once: one relocates, the other's packs are orphans, and nothing is lost", async () => {
    const { store, whole } = await sparseStore();
    const [one, other] = [await planSmall(store), await planSmall(store)];
    const reports = await Promise.all([compact(one), compact(other)]);
    const relocated = reports.flatMap((each) => each.relocatedPacks);
    expect(relocated.toSorted()).toEqual(one.plan.packs.toSorted());
    expect(reports.flatMap((each) => each.overtakenPacks).toSorted()).toEqual(one.plan.packs.toSorted());
    await expectWhole(store, whole, "after both");
    expect(await readWithoutCondemned(store)).toEqual(whole);
  });

  it("does not relocate out of a pack that was condemned meanwhile, nor into one that was taken for an orphan", async () => {
    const { store, whole } = await sparseStore();
    const planned = await planSmall(store);
    const [first] = planned.plan.packs;
    if (first === undefined) return expect.fail("there is nothing to compact");
    // Whoever condemned it broke a rule, or knew of removals: the compactor must not mind which.
    await appendEntry(planned.appender, () => [{ type: "condemn", packs: [first] }]);
    const report = await compact(planned);
    expect(report.overtakenPacks).toContain(first);
    expect(report.log.relocated.has(first)).toBe(false);
    expect(await readWhole(await openSmall(store))).toEqual(whole);
  });

  it("a removed snapshot that comes back meanwhile keeps what it needs where it is", async () => {
    const { store, whole } = await sparseStore();
    const planned = await planSmall(store);
    const removed = [...planned.appender.from.snapshots.values()].filter((each) => each.removed !== undefined);
    const back = removed.map((each) => each.stateId);
    await undeleteSnapshots(planned.appender, back);
    const report = await compact(planned);
    expect(report.overtakenPacks.length).toBeGreaterThan(0);
    await expectSound(store);
    await readWithoutCondemned(store);
    expect(await readWhole(await openSmall(store))).toEqual(whole);
    expect((await readWhole(await openSmall(store), 1)).size).toBe(whole.size);
  });

  it("a removed snapshot that comes back needs the old packs again, and has them", async () => {
    const { store } = await sparseStore();
    const appender = await keylessAppender(store);
    const removed = [...appender.from.snapshots.values()].find((each) => each.removed !== undefined);
    if (removed === undefined) return expect.fail("no snapshot is removed");
    const report = await compactSmall(store);
    expect(report.condemnedPacks.length).toBeGreaterThan(0);
    const { state } = await undeleteSnapshots(appender, [removed.stateId]);
    expect(report.condemnedPacks.some((packId) => !state.condemned.has(packId))).toBe(true);
    await readWithoutCondemned(store, 0);
    await expectSound(store);
  });
});

describe("a compaction that ends at any call to the store", () => {
  // Two of the ways are enough: each takes long.
  const endings = Object.entries(worldEndings).filter(([name]) => name !== "fails after its effect");

  it.each(endings)("and %s: every file is there, and the next one goes through", async (_name, ending) => {
    const { store, whole } = await sparseStore();
    const begin = await objectsOf(store);
    let calls = 0;
    await compactSmall(faultyStore(store, { fault: ({ number }) => ((calls = number), undefined) }));
    expect(calls).toBeGreaterThan(6);
    for (let n = 1; n <= calls; n++) {
      const inner = await fill(memoryStore(), begin);
      const what = `call ${n} of ${calls}`;
      await compactSmall(faultyStore(inner, { fault: ending(({ number }) => number === n) })).catch(
        (error: unknown) => {
          if (!(error instanceof HoldfastError)) throw error;
        },
      );
      expect(await readWhole(await openSmall(inner)), what).toEqual(whole);
      await compactSmall(inner);
      expect(await readWithoutCondemned(inner), what).toEqual(whole);
      expect((await planSmall(inner)).plan.groups, what).toEqual([]);
    }
  });
});
