import { beforeAll, beforeEach, describe, expect, it } from "vitest";
import { systemClock } from "#shared/clock.ts";
import { createSigner } from "#shared/crypto/signing.ts";
import { openLog } from "#shared/log/open-log.ts";
import { writeCheckpoint } from "#shared/log/write-checkpoint.ts";
import { systemRandom } from "#shared/random.ts";
import { openBundle, openRepository, readConfig } from "#shared/repository/open-repository.ts";
import type { Repository } from "#shared/repository/repository.ts";
import { liveRecords, readSnapshot } from "#shared/snapshot/read-snapshot.ts";
import { checkpointPartsPrefix, stateKey } from "#shared/store/object-key.ts";
import { memoryStore } from "#shared/store/memory-store.ts";
import { meteredStore } from "#shared/store/metered-store.ts";
import type { Store } from "#shared/store/store.ts";
import { scriptedSource } from "./backup/scripted-source.testing.ts";
import {
  backupSmall,
  checkSmall,
  createSmall,
  isSound,
  noise,
  openSmall,
  readWhole,
  wholeFile,
} from "./small-store.testing.ts";

const signer = createSigner(new Uint8Array(32).fill(4));
const backups = 5;
let store: Store;

const contentOf = (backup: number) => noise(`file ${backup}`, 5000);
const sourceAt = (backup: number) =>
  scriptedSource({
    entries: Array.from({ length: backup + 1 }, (_, index) => ({ path: `f${index}`, content: contentOf(index) })),
  });

async function checkpoint(): Promise<void> {
  const { config } = await readConfig(store);
  const { state: from } = await openLog({ store, storeId: config.storeId });
  await writeCheckpoint({ store, signer, clock: systemClock, random: systemRandom, from });
}

async function openWarning(of: Store): Promise<{ repository: Repository; warnings: string[] }> {
  const warnings: string[] = [];
  const read = await readConfig(of);
  const repository = await openRepository({
    store: of,
    read,
    bundle: await openBundle(of, read, () => Promise.reject(new Error("no secret is needed"))),
    signer,
    clock: systemClock,
    random: systemRandom,
    onWarning: ({ message }) => warnings.push(message),
  });
  return { repository, warnings };
}

/** Everything of the newest snapshot is as it was backed up. */
async function expectWhole(repository: Repository): Promise<void> {
  const whole = await readWhole(repository);
  for (let index = 0; index < backups; index++)
    expect(whole.get(`/scripted/f${index}`)).toBe(wholeFile(contentOf(index)));
}

const original = memoryStore();

beforeAll(async () => {
  await createSmall(original);
  for (let backup = 0; backup < backups; backup++) await backupSmall(original, [sourceAt(backup)]);
});

beforeEach(async () => {
  store = memoryStore();
  for await (const { key } of original.list("")) await store.put(key, [await original.get(key)]);
});

describe("a store with a checkpoint", () => {
  it("is opened with its whole index without reading a state", async () => {
    const without = meteredStore(store);
    await (await openSmall(without.store)).loadIndex();
    await checkpoint();
    const asked: string[] = [];
    const { repository, warnings } = await openWarning({
      ...store,
      get: (key, range) => (asked.push(key), store.get(key, range)),
    });
    await repository.loadIndex();
    expect(asked.filter((key) => key.startsWith("states/"))).toEqual([]);
    expect(asked.length).toBeLessThanOrEqual(6);
    expect(without.meter.gets).toBeGreaterThanOrEqual(3 * backups);
    await expectWhole(repository);
    expect([warnings, repository.problems]).toEqual([[], []]);
  });

  it("is backed up to and restored from as one without, by states before and after the checkpoint", async () => {
    await checkpoint();
    const later = { path: "later", content: "later" };
    await backupSmall(store, [
      scriptedSource({
        entries: [
          ...Array.from({ length: backups }, (_, index) => ({ path: `f${index}`, content: contentOf(index) })),
          later,
        ],
      }),
    ]);
    const repository = await openSmall(store);
    await expectWhole(repository);
    expect((await readWhole(repository)).get("/scripted/later")).toBe(wholeFile("later"));
    expect(isSound(await checkSmall(store))).toBe(true);
    await checkpoint();
    await expectWhole(await openSmall(store));
  });

  it("is read from its states where parts are lost or damaged, with a warning", async () => {
    await checkpoint();
    for await (const { key } of store.list(checkpointPartsPrefix)) {
      for (const spoil of ["damage", "loss"]) {
        const bytes = (await store.get(key)).slice();
        await store.delete(key);
        if (spoil === "damage") {
          bytes[40] = (bytes[40] ?? 0) ^ 1;
          await store.put(key, [bytes]);
        }
        const { repository, warnings } = await openWarning(store);
        await expectWhole(repository);
        expect(warnings, spoil).toHaveLength(1);
        expect(repository.problems).toEqual([]);
      }
    }
  });

  it("is read from its states where an index in a part is damaged", async () => {
    await checkpoint();
    for await (const { key } of store.list(checkpointPartsPrefix)) {
      const bytes = (await store.get(key)).slice();
      bytes[bytes.byteLength - 1] = (bytes.at(-1) ?? 0) ^ 1;
      await store.delete(key);
      await store.put(key, [bytes]);
    }
    const { repository } = await openWarning(store);
    await expectWhole(repository);
    expect(repository.problems).toEqual([]);
  });

  it("lists and reads snapshots whose states are lost, and check says so all the same", async () => {
    await checkpoint();
    const [newest] = liveRecords(await openSmall(store));
    if (newest === undefined) return expect.fail("no snapshot");
    await store.delete(stateKey(newest.stateId));
    const repository = await openSmall(store);
    expect((await readSnapshot(repository, newest)).header.host).toBe("small");
    await expectWhole(repository);
    const report = await checkSmall(store);
    expect(report.damagedObjects.length).toBeGreaterThan(0);
  });

  it("is listed though some states are lost that no checkpoint tells of", async () => {
    const records = liveRecords(await openSmall(store));
    const lost = records[3];
    if (lost === undefined) return expect.fail("no snapshot");
    await store.delete(stateKey(lost.stateId));
    await checkpoint();
    const repository = await openSmall(store);
    await repository.loadHeaders(records);
    for (const record of records) {
      const read = readSnapshot(repository, record);
      if (record === lost) await expect(read).rejects.toMatchObject({ kind: "corrupt" });
      else expect((await read).id).toBe(record.stateId);
    }
    await repository.loadIndex();
    expect(repository.problems.map((each) => each.stateId)).toEqual([lost.stateId]);
  });
});
