import { existsSync, rmSync } from "node:fs";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { leanMemory } from "#agent/engine/lean-memory.ts";
import { createSigner } from "#shared/crypto/signing.ts";
import type { StoreConfig } from "#shared/format/config.ts";
import { emptyLogState } from "#shared/log/log-state.ts";
import { maintenance } from "#shared/operations/maintenance/maintenance.ts";
import { type Progress, silentReporter } from "#shared/operations/progress.ts";
import { systemRandom } from "#shared/random.ts";
import { meteredStore } from "#shared/store/metered-store.ts";
import {
  makeSynthetic,
  openSynthetic,
  syntheticBeginMs,
  syntheticStoreId,
  type SyntheticShape,
} from "./synthetic-store.ts";

const manual = `node infra-tests/scale/maintenance.ts [options]

Makes a synthetic store (structure only: states and log are real, packs are listed and have no content), maintains it three times
(a dry run with a plan of compaction; a run that condemns; a run after the grace period that sweeps and deletes) and prints the time
and the peak resident memory of each as a line of JSON.

  --packs N       (1000000)
  --snapshots N   (1000)
  --hosts N       snapshots of one host reference each other's packs (100)
  --segments N    of each pack (16)
  --removed P     percent of the snapshots that are removed, the oldest of each host (20)
  --step NAME     make, plan, condemn or sweep: only that one, in this process (all, each in a process of its own)
  --work DIR      (.cache/scale); its content is deleted
  --limit-mib N   exit code 3 when a peak is higher (512)
`;

const { values } = parseArgs({
  options: {
    packs: { type: "string", default: "1000000" },
    snapshots: { type: "string", default: "1000" },
    hosts: { type: "string", default: "100" },
    segments: { type: "string", default: "16" },
    removed: { type: "string", default: "20" },
    step: { type: "string" },
    work: { type: "string", default: join(resolve(import.meta.dirname, "..", ".."), ".cache", "scale") },
    "limit-mib": { type: "string", default: "512" },
    help: { type: "boolean", short: "h", default: false },
  },
});
const shape: SyntheticShape = {
  packs: Number(values.packs),
  snapshots: Number(values.snapshots),
  hosts: Number(values.hosts),
  segmentsOfPack: Number(values.segments),
  removed: Number(values.removed) / 100,
};
const dayMs = 24 * 3_600_000;
const daysOf: Readonly<Record<string, number>> = { plan: 10, condemn: 10, sweep: 18 };
const config: StoreConfig = {
  storeId: syntheticStoreId,
  createdMs: 0,
  secrecy: "public",
  chunker: { id: "fastcdc-gear64-v1", minBytes: 64, avgBytes: 64, maxBytes: 64 },
  segmentBytes: 1024 * 1024,
  packBytes: 16 * 1024 * 1024,
  compression: { id: "zstd", level: 1 },
  publicKey: new Uint8Array(32),
  graceMs: 7 * dayMs,
};

if (values.help) process.stdout.write(manual);
else if (values.step === undefined) process.exitCode = await eachInAProcess();
else await step(values.step);

async function eachInAProcess(): Promise<number> {
  const { spawnSync } = await import("node:child_process");
  rmSync(values.work, { recursive: true, force: true });
  for (const name of ["make", "plan", "condemn", "sweep"]) {
    const args = [...process.execArgv, ...process.argv.slice(1), "--step", name];
    const { status } = spawnSync(process.execPath, args, { stdio: "inherit" });
    if (status !== 0) return status ?? 1;
  }
  return 0;
}

async function step(name: string): Promise<void> {
  if (name === "make") {
    await makeSynthetic(values.work, shape, (line) => process.stderr.write(`${line}\n`));
    return;
  }
  const days = daysOf[name];
  if (days === undefined || !existsSync(values.work)) {
    process.stderr.write(manual);
    process.exitCode = 64;
    return;
  }
  const synthetic = openSynthetic(values.work, shape);
  const { store, meter } = meteredStore(synthetic);
  let watched: Progress | undefined;
  const peaksMib: Record<string, number> = {};
  const watch = setInterval(() => {
    const phase = watched?.phase ?? "starting";
    peaksMib[phase] = Math.max(peaksMib[phase] ?? 0, Math.round(process.memoryUsage.rss() / 2 ** 20));
  }, 20);
  const cpuBegun = process.cpuUsage();
  const begunMs = performance.now();
  const { plan, done, compactionPlan } = await leanMemory(() =>
    maintenance({
      appender: {
        store,
        signer: createSigner(new Uint8Array(32).fill(4)),
        clock: { nowMs: () => syntheticBeginMs + days * dayMs, sleep: () => Promise.resolve() },
        random: systemRandom,
        from: emptyLogState(syntheticStoreId),
      },
      config,
      dryRun: name === "plan",
      force: true,
      compact: name === "plan",
      reporter: { ...silentReporter, start: (progress) => void (watched = progress) },
    }),
  );
  clearInterval(watch);
  const seconds = (performance.now() - begunMs) / 1000;
  const { user, system } = process.cpuUsage(cpuBegun);
  const rssMib = Math.round(process.resourceUsage().maxRSS / 1024);
  const result = {
    step: name,
    ...shape,
    seconds: Math.round(seconds * 10) / 10,
    cpuSeconds: Math.round((user + system) / 100_000) / 10,
    rssMib,
    peaksMib,
    gets: meter.gets,
    downMib: Math.round(meter.downBytes / 2 ** 20),
    condemned: done?.condemned ?? plan.condemn.length,
    swept: done?.swept ?? plan.sweep.length,
    deletedPacks: synthetic.deletedPacks,
    ...(compactionPlan === undefined ? {} : { toCompact: compactionPlan.packs.length }),
  };
  process.stdout.write(`${JSON.stringify(result)}\n`);
  if (rssMib > Number(values["limit-mib"])) process.exitCode = 3;
}
