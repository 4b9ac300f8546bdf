import { expect, test, vi } from "vitest";
import { createSigner } from "#shared/crypto/signing.ts";
import { emptyLogState } from "#shared/log/log-state.ts";
import { removeSnapshots } from "#shared/log/remove-snapshots.ts";
import { scriptedSource } from "./backup/scripted-source.testing.ts";
import {
  backupSmall,
  checkSmall,
  collectingReporter,
  createSmall,
  impatientClock,
  isSound,
  noise,
  openSmall,
  readWhole,
  snapshotIds,
} from "./small-store.testing.ts";
import { systemRandom } from "#shared/random.ts";
import { liveRecords } from "#shared/snapshot/read-snapshot.ts";
import { memoryStore } from "#shared/store/memory-store.ts";
import { packsPrefix } from "#shared/store/object-key.ts";
import type { Store } from "#shared/store/store.ts";
import { maintenance } from "./maintenance/maintenance.ts";
import { dayMs } from "./maintenance/small-log.testing.ts";

const signer = createSigner(new Uint8Array(32).fill(8));

/** Ten files, of which each generation changes one. */
const generation = (number: number) =>
  scriptedSource({
    entries: Array.from({ length: 10 }, (_, file) => {
      const changed = number < file ? 0 : number - ((number - file) % 10);
      return { path: `file ${file}`, content: noise(`${file}/${changed}`, 40_000), mtimeSec: 1000 + changed };
    }),
  });

async function maintain(store: Store, day: number) {
  const { config } = await openSmall(store);
  const { reporter, notices } = collectingReporter();
  const report = await maintenance({
    appender: {
      store,
      signer,
      clock: { ...impatientClock, nowMs: () => Date.now() + day * dayMs },
      random: systemRandom,
      from: emptyLogState(config.storeId),
    },
    config,
    dryRun: false,
    force: true,
    compact: true,
    reporter,
  });
  expect(notices).toEqual([]);
  return report;
}

async function packBytes(store: Store): Promise<number> {
  let bytes = 0;
  for await (const { sizeBytes } of store.list(packsPrefix)) bytes += sizeBytes;
  return bytes;
}

vi.mock("node:worker_threads", async () => {
  const { freshThreads } = await import("./fresh-threads.testing.ts");
  return freshThreads((name, fresh) =>
    name === "backup-worker.ts"
      ? import(/* @vite-ignore */ `./backup/backup-worker.ts?${fresh}`)
      : import(/* @vite-ignore */ `./check/check-worker.ts?${fresh}`),
  );
});

test("a fortnight of backups, of which the last three are kept, leaves a store that is sound, reads the same, and is hardly larger than it must be", async () => {
  const store = memoryStore();
  await createSmall(store);
  for (let day = 0; day < 14; day += 2) {
    await backupSmall(store, [generation(day)]);
    const repository = await openSmall(store);
    const old = liveRecords(repository)
      .slice(3)
      .map((record) => record.stateId);
    if (old.length > 0)
      await removeSnapshots({ store, clock: impatientClock, random: systemRandom, from: repository.log, signer }, old);
    const ids = snapshotIds(await openSmall(store));
    const before = await readWhole(await openSmall(store), Math.min(2, ids.length - 1));
    const report = await maintain(store, day);
    expect(report.isPartial).toBe(false);
    const after = await openSmall(store);
    expect(snapshotIds(after)).toEqual(ids);
    expect(await readWhole(after, Math.min(2, ids.length - 1))).toEqual(before);
  }
  for (const day of [40, 50]) await maintain(store, day);
  const check = await checkSmall(store);
  if (!isSound(check)) expect.fail(JSON.stringify(check));
  // The store as it would be if it had only ever held the last three snapshots.
  const fresh = memoryStore();
  await createSmall(fresh);
  for (const day of [8, 10, 12]) await backupSmall(fresh, [generation(day)]);
  expect(await packBytes(store)).toBeLessThan(1.1 * (await packBytes(fresh)));
}, 60_000);
