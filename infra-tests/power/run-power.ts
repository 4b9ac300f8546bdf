import { closeSync, existsSync, mkdirSync, openSync, rmSync, truncateSync, writeFileSync, writeSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { type Running, Sandbox } from "#infra-tests/e2e/sandbox.ts";
import { compareTrees, describeDifferences } from "#infra-tests/fidelity/compare-trees.ts";
import { SeededRandom } from "#infra-tests/simulate/seeded-random.ts";
import { type Filesystem, PowerDisk } from "./power-disk.ts";

/** What is cut. */
export type PowerOptions = {
  readonly seed: number;
  readonly filesystem: Filesystem;
  /** The program: what is started, before its arguments; this checkout unless given. */
  readonly program?: readonly string[];
  /** Files of the tree. */
  readonly files: number;
};

/** What came of it. */
export type PowerReport = { readonly cuts: number; readonly failures: readonly string[] };

/** Cuts during each run, and the longest wait before one, in milliseconds. */
const cutsDuring = 3;
const longestWaitMs = 1500;

/**
 * Cuts the power of a disk during and after a restore to it, and during and after backups to a store on it; then looks at the disk as it was at each cut.
 *
 * A restore that said done compares equal. One that was cut, run again with `--overwrite changed`, compares equal. Every snapshot of a backup that said
 * done is there, and the store passes `check --read`.
 */
export async function runPower({ seed, filesystem, program, files }: PowerOptions): Promise<PowerReport> {
  const sandbox = new Sandbox(program === undefined ? {} : { program });
  const random = new SeededRandom(seed);
  const failures: string[] = [];
  let disk: PowerDisk | undefined;
  let cuts = 0;
  try {
    disk = new PowerDisk(sandbox.directory, filesystem);
    const source = sandbox.path("source");
    makeSource(source, random, files);
    cuts += await cutRestores(sandbox, disk, source, { random, failures });
    cuts += await cutBackups(sandbox, disk, source, { random, failures });
  } finally {
    disk?.close();
    sandbox.remove();
  }
  return { cuts, failures: failures.map((failure) => `${filesystem}: ${failure}`) };
}

type Course = { readonly random: SeededRandom; readonly failures: string[] };

async function cutRestores(sandbox: Sandbox, disk: PowerDisk, source: string, course: Course): Promise<number> {
  const at = ["at", sandbox.path("store")];
  await sandbox.do([...at, "create"]);
  await sandbox.do([...at, "backup", source]);
  const target = join(disk.place, "restored");
  const restore = [...at, "restore", `latest:${source}`, "--to", target, "--overwrite", "changed"];
  const during = await cutDuring(sandbox.start(restore), disk, course);
  const after = disk.cut();
  disk.powerUp(after);
  expectSame(source, target, "after a restore that said done", course);
  for (const cut of during) {
    disk.powerUp(cut);
    await sandbox.do(restore);
    expectSame(source, target, "after a restore that was cut and run again", course);
  }
  return during.length + 1;
}

async function cutBackups(sandbox: Sandbox, disk: PowerDisk, source: string, course: Course): Promise<number> {
  disk.powerUp("disk");
  const at = ["at", join(disk.place, "store")];
  await sandbox.do([...at, "create"]);
  const seen: { readonly cut: string; readonly snapshots: number }[] = [];
  for (let round = 0; round < 2; round++) {
    for (const cut of await cutDuring(sandbox.start([...at, "backup", source]), disk, course))
      seen.push({ cut, snapshots: round });
    seen.push({ cut: disk.cut(), snapshots: round + 1 });
    writeFileSync(join(source, `new ${round}`), noise(course.random, 300_000));
  }
  for (const { cut, snapshots } of seen) {
    disk.powerUp(cut);
    const listed = await sandbox.events([...at, "--accept-rollback", "ls"]);
    if (listed.events.length < snapshots)
      course.failures.push(`${listed.events.length} snapshots are there, of ${snapshots} that were done`);
    const check = await sandbox.run([...at, "--accept-rollback", "check", "--read"]);
    if (check.status !== 0) course.failures.push(`check --read ended with ${check.status}: ${check.stderr}`);
  }
  return seen.length;
}

/** Lets a run go on to its end, which must be a good one, and cuts the power meanwhile. @returns the cuts */
async function cutDuring({ ended }: Running, disk: PowerDisk, { random, failures }: Course): Promise<string[]> {
  let isOver = false;
  const over = ended.then((end) => {
    isOver = true;
    if (end.status !== 0) failures.push(`a run ended with ${end.status ?? end.signal}: ${end.stderr}`);
  });
  const cuts: string[] = [];
  while (cuts.length < cutsDuring) {
    await Promise.race([over, sleep(random.below(longestWaitMs))]);
    if (isOver) break;
    if (random.chance(0.7)) disk.flush();
    await Promise.race([over, sleep(random.below(200))]);
    if (!isOver) cuts.push(disk.cut());
  }
  await over;
  return cuts;
}

function expectSame(source: string, target: string, when: string, { failures }: Course): void {
  if (!existsSync(target)) {
    failures.push(`${when}: nothing is there`);
    return;
  }
  const comparison = compareTrees(source, target);
  const differences = comparison.differences.filter(({ path }) => path !== "");
  if (differences.length > 0) failures.push(`${when}: ${describeDifferences({ ...comparison, differences })}`);
}

/** Small files, large ones, and ones with holes at the end and in the middle. */
function makeSource(source: string, random: SeededRandom, files: number): void {
  rmSync(source, { recursive: true, force: true });
  for (let n = 0; n < files; n++) {
    const directory = join(source, `d${random.below(20)}`);
    mkdirSync(directory, { recursive: true });
    const path = join(directory, `f${n}`);
    const kind = random.below(10);
    if (kind === 0) writeSparse(path, random);
    else writeFileSync(path, noise(random, kind === 1 && n % 7 === 0 ? 3_000_000 : random.below(40_000)));
  }
}

function writeSparse(path: string, random: SeededRandom): void {
  const fd = openSync(path, "wx");
  for (let extents = 1 + random.below(3); extents > 0; extents--)
    writeSync(fd, noise(random, 8192), 0, 8192, random.below(200) * 16_384);
  closeSync(fd);
  truncateSync(path, 4 * 1024 * 1024);
}

function noise(random: SeededRandom, lengthBytes: number): Buffer {
  const words = new Uint32Array(Math.ceil(lengthBytes / 4));
  for (let index = 0; index < words.length; index++) words[index] = random.below(2 ** 32);
  return Buffer.from(words.buffer, 0, lengthBytes);
}
