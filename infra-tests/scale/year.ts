import { existsSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { FilesystemImporter } from "#agent/importers/filesystem-importer.ts";
import { nothingSkipped } from "#agent/importers/skipped-directories.ts";
import type { Clock } from "#shared/clock.ts";
import { createSigner } from "#shared/crypto/signing.ts";
import { errorKinds, HoldfastError, isHoldfastError } from "#shared/errors.ts";
import { emptyLogState } from "#shared/log/log-state.ts";
import { readLog } from "#shared/log/read-log.ts";
import { removeSnapshots } from "#shared/log/remove-snapshots.ts";
import { backup } from "#shared/operations/backup/backup.ts";
import { check } from "#shared/operations/check/check.ts";
import { maintenance } from "#shared/operations/maintenance/maintenance.ts";
import { silentReporter } from "#shared/operations/progress.ts";
import { systemRandom } from "#shared/random.ts";
import { createRepository, defaultSettings } from "#shared/repository/create-repository.ts";
import { openBundle, openRepository, readConfig } from "#shared/repository/open-repository.ts";
import type { Repository } from "#shared/repository/repository.ts";
import { seededNumbers } from "#shared/seeded-numbers.ts";
import { manualClock } from "#shared/store/manual-clock.ts";
import { memoryStore } from "#shared/store/memory-store.ts";
import { openStore } from "#shared/store/open-store.ts";
import type { Store } from "#shared/store/store.ts";
import { snapshotsToRemove } from "./keep-snapshots.ts";
import { type StoreSizes, storeSizes } from "./store-sizes.ts";
import { YearlyTree } from "./yearly-tree.ts";

const manual = `node infra-tests/scale/year.ts [options]

Lets a year of daily backups, removals and maintenance of a changing tree pass, by the operations that the program runs and a clock of
its own, and prints how large the store is beside the data that its snapshots need.

  --days N        how many days (365)
  --mib N         size of the tree (64)
  --churn A-B     percent of the files that change in a day (1-3)
  --keep D,W,M    snapshots kept of days, weeks and months (7,4,12)
  --every N       days from one maintenance to the next (1)
  --pack-mib N    target size of packs (${defaultSettings.packBytes / 1024 ** 2})
  --segment-kib N plaintext of a segment (${defaultSettings.segmentBytes / 1024})
  --seed N        of the tree and its changes (1)
  --store URL     an empty place for the store (memory)
  --work DIR      where the tree is made (.cache/year); its content is deleted
  --limit X       exit code 3 when the store is larger than so many times the live data at the end, condemned packs aside (1.1)
  --json FILE     where the measures go (bench-results/year.json)
`;

const root = resolve(import.meta.dirname, "..", "..");
const dayMs = 24 * 3_600_000;
const beginMs = Date.UTC(2026, 0, 1, 2);

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}

function options() {
  try {
    const { values } = parseArgs({
      options: {
        days: { type: "string", default: "365" },
        mib: { type: "string", default: "64" },
        churn: { type: "string", default: "1-3" },
        keep: { type: "string", default: "7,4,12" },
        every: { type: "string", default: "1" },
        "pack-mib": { type: "string", default: String(defaultSettings.packBytes / 1024 ** 2) },
        "segment-kib": { type: "string", default: String(defaultSettings.segmentBytes / 1024) },
        seed: { type: "string", default: "1" },
        store: { type: "string" },
        work: { type: "string", default: join(root, ".cache", "year") },
        limit: { type: "string", default: "1.1" },
        json: { type: "string", default: join(root, "bench-results", "year.json") },
      },
    });
    return values;
  } catch (cause) {
    throw new HoldfastError("invalid", cause instanceof Error ? cause.message : "", { cause, hint: manual });
  }
}

function numbers(text: string, separator: string, count: number): readonly number[] {
  const parts = text.split(separator).map(Number);
  if (parts.length === count && parts.every((each) => Number.isFinite(each) && each >= 0)) return parts;
  throw new HoldfastError("invalid", `Cannot use "${text}": ${count} numbers are expected`, { hint: manual });
}

async function run(): Promise<number> {
  const values = options();
  const [days = 0, mib = 0, every = 1, seed = 1, limit = 0, packMib = 16, segmentKib = 512] = numbers(
    [
      values.days,
      values.mib,
      values.every,
      values.seed,
      values.limit,
      values["pack-mib"],
      values["segment-kib"],
    ].join(),
    ",",
    7,
  );
  const [churnFrom = 0, churnTo = 0] = numbers(values.churn, "-", 2);
  const [daily = 0, weekly = 0, monthly = 0] = numbers(values.keep, ",", 3);
  const work = resolve(values.work);
  if (existsSync(work)) rmSync(work, { recursive: true });
  mkdirSync(work, { recursive: true });
  const clock = { ...manualClock(beginMs), sleep: () => new Promise<void>((done) => void setImmediate(done)) };
  const store = datedStore(values.store === undefined ? memoryStore() : await openStore(values.store), clock);
  const signer = createSigner(new Uint8Array(32).fill(5));
  const settings = { packBytes: packMib * 1024 ** 2, segmentBytes: segmentKib * 1024 };
  await createRepository({ store, passphrase: undefined, settings, random: systemRandom, clock });
  const open = async (): Promise<Repository> => {
    const read = await readConfig(store);
    const bundle = await openBundle(store, read, () => Promise.reject(new Error("no secret is needed")));
    return openRepository({ store, read, bundle, signer, clock, random: systemRandom });
  };
  const { config } = await readConfig(store);
  const appender = async () => ({
    store,
    signer,
    clock,
    random: systemRandom,
    from: await readLog({ store, from: emptyLogState(config.storeId) }),
  });

  const tree = new YearlyTree({ directory: work, bytes: mib * 1024 ** 2, seed });
  const random = seededNumbers(seed + 1);
  const measures: object[] = [];
  let [peakRatio, compactedBytes, newBytes] = [0, 0, 0];
  let last: StoreSizes | undefined;
  say(
    `seed ${seed}; a tree of ${mib} MiB, ${values.churn} % a day; kept: ${values.keep}; grace ${config.graceMs / dayMs} days`,
  );
  say("  day  snapshots    live MiB   store MiB   condemned  no packs   store/live  without condemned");
  for (let day = 1; day <= days; day++) {
    if (day > 1) tree.change((churnFrom + random() * (churnTo - churnFrom)) / 100);
    const importer = new FilesystemImporter({
      root: work,
      host: "year",
      excludes: [],
      oneFileSystem: false,
      xattrs: false,
      skip: nothingSkipped,
    });
    const saved = await backup({
      repository: await open(),
      importers: [importer],
      host: "year",
      user: "year",
      name: "default",
      tags: [],
      program: "year",
      force: false,
      threads: 1,
      uploads: 2,
      reporter: silentReporter,
    });
    await importer.close();
    newBytes += saved.storedBytes;
    const { from } = await appender();
    const live = [...from.snapshots.values()].filter((each) => each.removed === undefined);
    const removed = snapshotsToRemove(live, { daily, weekly, monthly }).map((each) => each.stateId);
    if (removed.length > 0) await removeSnapshots(await appender(), removed);
    if (day % every === 0) {
      const done = await maintenance({
        appender: await appender(),
        config,
        dryRun: false,
        force: false,
        compact: true,
        reporter: silentReporter,
      });
      if (done.isPartial) throw new HoldfastError("partial", `Maintenance of day ${day} was not whole`);
      compactedBytes += done.compaction?.bytesWritten ?? 0;
    }
    if (day % 7 === 0 || day === days) {
      last = await storeSizes(store, (await appender()).from);
      const ratio = last.storeBytes / last.liveBytes;
      const without = (last.storeBytes - last.condemnedBytes) / last.liveBytes;
      peakRatio = Math.max(peakRatio, without);
      measures.push({
        day,
        ...last,
        byPrefix: Object.fromEntries(last.byPrefix),
        ratio,
        ratioWithoutCondemned: without,
      });
      say(
        [
          String(day).padStart(5),
          String(last.liveSnapshots).padStart(10),
          inMib(last.liveBytes).padStart(11),
          inMib(last.storeBytes).padStart(11),
          inMib(last.condemnedBytes).padStart(11),
          inMib(last.storeBytes - (last.byPrefix.get("packs")?.bytes ?? 0)).padStart(9),
          ratio.toFixed(3).padStart(12),
          without.toFixed(3).padStart(18),
        ].join(" "),
      );
    }
    clock.advance(dayMs);
  }
  for (const [prefix, { objects, bytes }] of last?.byPrefix ?? [])
    say(`${prefix}: ${objects} objects, ${inMib(bytes)} MiB`);
  say(
    `backups stored ${inMib(newBytes)} MiB, compaction wrote ${inMib(compactedBytes)} MiB; highest ratio ${peakRatio.toFixed(3)}`,
  );
  const checked = await check({
    repository: await open(),
    snapshots: undefined,
    readPercent: 100,
    threads: 2,
    reporter: { ...silentReporter, entryError: ({ path, message }) => say(`${path}: ${message}`) },
  });
  const isSound = checked.damagedObjects.length + checked.damagedFiles + checked.unverified === 0;
  say(`check --read: ${checked.snapshots} snapshots, ${checked.packsRead} packs, ${isSound ? "sound" : "DAMAGED"}`);
  mkdirSync(dirname(resolve(values.json)), { recursive: true });
  writeFileSync(
    resolve(values.json),
    `${JSON.stringify({ options: values, measures, newBytes, compactedBytes, isSound }, undefined, 2)}\n`,
  );
  await store.close();
  if (!isSound) return errorKinds.corrupt.exitCode;
  const final = last === undefined ? 0 : (last.storeBytes - last.condemnedBytes) / last.liveBytes;
  say(`at the end the store is ${final.toFixed(3)} times the live data, condemned packs aside (limit ${limit})`);
  return final <= limit ? 0 : errorKinds.partial.exitCode;
}

/** A store that says that its objects came when the clock of the year said so. */
function datedStore(inner: Store, clock: Clock): Store {
  const dates = new Map<string, number>();
  return {
    ...inner,
    clockMs: () => Promise.resolve(clock.nowMs()),
    async put(key, body, putOptions) {
      await inner.put(key, body, putOptions);
      dates.set(key, clock.nowMs());
    },
    async *list(prefix, listOptions) {
      for await (const object of inner.list(prefix, listOptions)) {
        const modifiedMs = dates.get(object.key);
        yield modifiedMs === undefined ? object : { ...object, modifiedMs };
      }
    },
  };
}

function inMib(bytes: number): string {
  return (bytes / 1024 ** 2).toFixed(1);
}

try {
  process.exitCode = await run();
} catch (error) {
  if (!isHoldfastError(error)) throw error;
  process.stderr.write(`${error.message}\n${error.hint ?? ""}\n`);
  process.exitCode = errorKinds[error.kind].exitCode;
}
