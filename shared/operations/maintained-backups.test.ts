import type * as threads from "node:worker_threads";
import { expect, test, vi } from "vitest";
import { createSigner } from "#shared/crypto/signing.ts";
import { emptyLogState } from "#shared/log/log-state.ts";
import { type ScriptedEntry, scriptedSource } from "./backup/scripted-source.testing.ts";
import { expectSound } from "./small-expectations.testing.ts";
import {
  backupSmall,
  collectingReporter,
  impatientClock,
  noise,
  openSmall,
  readWhole,
  removeOldest,
  snapshotIds,
  storeOfBackups,
} from "./small-store.testing.ts";
import { systemRandom } from "#shared/random.ts";
import { packsPrefix } from "#shared/store/object-key.ts";
import type { Store } from "#shared/store/store.ts";
import { maintenance } from "./maintenance/maintenance.ts";
import { dayMs } from "./maintenance/small-log.testing.ts";

const signer = createSigner(new Uint8Array(32).fill(8));

/** Ten files, of which each generation changes one. */
const generation = (number: number): ScriptedEntry[] =>
  Array.from({ length: 10 }, (_, file) => {
    const changed = number < file ? 0 : number - ((number - file) % 10);
    return { path: `file ${file}`, content: noise(`${file}/${changed}`, 40_000), mtimeSec: 1000 + changed };
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

vi.mock("node:worker_threads", async (importActual) => {
  const { freshThreads } = await import("./fresh-threads.testing.ts");
  return freshThreads(await importActual<typeof threads>());
});

test("a fortnight of backups, of which the last three are kept, leaves a store that is sound, reads the same, and is hardly larger than it must be", async () => {
  const store = await storeOfBackups();
  for (let day = 0; day < 14; day += 2) {
    await backupSmall(store, [scriptedSource({ entries: generation(day) })]);
    const old = snapshotIds(await openSmall(store)).length - 3;
    if (old > 0) await removeOldest(store, old);
    const ids = snapshotIds(await openSmall(store));
    const before = await readWhole(await openSmall(store), Math.min(2, ids.length - 1));
    const report = await maintain(store, day);
    expect(report.isPartial).toBe(false);
    const after = await openSmall(store);
    expect(snapshotIds(after)).toEqual(ids);
    expect(await readWhole(after, Math.min(2, ids.length - 1))).toEqual(before);
  }
  for (const day of [40, 50]) await maintain(store, day);
  await expectSound(store);
  // The store as it would be if it had only ever held the last three snapshots.
  const fresh = await storeOfBackups(...[8, 10, 12].map(generation));
  expect(await packBytes(store)).toBeLessThan(1.1 * (await packBytes(fresh)));
}, 60_000);
