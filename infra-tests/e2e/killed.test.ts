import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { compareTrees, describeDifferences } from "#infra-tests/fidelity/compare-trees.ts";
import { systemClock } from "#shared/clock.ts";
import { systemRandom } from "#shared/random.ts";
import { createRepository } from "#shared/repository/create-repository.ts";
import { directoryStore } from "#shared/store/directory-store.ts";
import { passphrase, Sandbox } from "./sandbox.ts";
import { storedObjects, totalBytes } from "./stored-objects.ts";

/** HOLDFAST_TEST_SEED repeats a run, as far as the machine lets it. */
const seed = Number(process.env["HOLDFAST_TEST_SEED"] ?? Buffer.from(systemRandom(4)).readUInt32LE());
const tries = 20;
const files = 24;
const fileBytes = 512 * 1024;
/** Small, so that there are many points at which one is stored and the next is not. */
const packBytes = 256 * 1024;

const sandbox = new Sandbox();
const store = sandbox.path("store");
const source = sandbox.path("source");
afterAll(() => sandbox.remove());

beforeAll(async () => {
  const made = directoryStore(store);
  await createRepository({
    store: made,
    passphrase,
    settings: { packBytes },
    random: systemRandom,
    clock: systemClock,
  });
  await made.close();
  mkdirSync(source);
});

/** New content for every file: none of it is in the store. */
function rewriteSource(): void {
  for (let n = 0; n < files; n++) writeFileSync(join(source, `file-${n}`), systemRandom(fileBytes));
}

const packs = () => storedObjects(store, "packs/");
const logged = () => storedObjects(store, "log/").size;
const without = (all: ReadonlyMap<string, number>, some: ReadonlyMap<string, number>) =>
  new Map([...all].filter(([key]) => !some.has(key)));

/** A repeatable row of numbers from 0 to 1. */
function numbersFrom(start: number): () => number {
  let state = start >>> 0 || 1;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) / 2 ** 32;
  };
}

test(
  `kill -9 at ${tries} points: the next run succeeds, and stores nothing that is there`,
  { timeout: 600_000 },
  async () => {
    process.stderr.write(`killed.test.ts: HOLDFAST_TEST_SEED=${seed}\n`);
    const next = numbersFrom(seed);
    rewriteSource();
    const startedMs = performance.now();
    await sandbox.do(["at", store, "backup", source]);
    const wholeMs = performance.now() - startedMs;
    const packsOfOne = packs().size;
    let killedMidway = 0;

    for (let attempt = 0; attempt < tries; attempt++) {
      rewriteSource();
      const before = { packs: packs(), log: logged() };
      const run = sandbox.start(["at", store, "backup", source]);
      const share = next();
      if (attempt % 2 === 0) await Promise.race([sleep(share * wholeMs * 1.1), run.ended]);
      else {
        const many = before.packs.size + Math.ceil(share * packsOfOne);
        while (packs().size < many && run.child.exitCode === null) await sleep(1);
      }
      run.child.kill("SIGKILL");
      await run.ended;
      const killed = { packs: packs(), log: logged() };
      const left = without(killed.packs, before.packs);

      const { status, events, stderr } = await sandbox.events(["at", store, "backup", source]);
      const where = `seed ${seed}, try ${attempt}: killed with ${left.size} packs stored and ${killed.log - before.log} entries logged`;
      const report = events.at(-1)!;
      expect({ where, status, stderr, outcome: report["outcome"] }).toEqual({
        where,
        status: 0,
        stderr: "",
        outcome: "ok",
      });
      expect(logged(), where).toBe(killed.log + 1);
      const published = killed.log > before.log;
      if (left.size > 0 && !published) killedMidway++;
      expect(report["adoptedPacks"] ?? 0, where).toBe(published ? 0 : left.size);
      if (published) expect(report["newBytes"], where).toBe(0);
      const stored = totalBytes(without(packs(), before.packs));
      // Content that nothing compresses, padded by up to 4 %: a segment that is stored twice would show.
      expect(stored, where).toBeLessThan(files * fileBytes * 1.04 + 64 * 1024);
    }

    expect(killedMidway).toBeGreaterThan(tries / 4);
    expect(await sandbox.do(["at", store, "check", "--read"])).toBe("");
    await sandbox.do(["at", store, "restore", `latest:${source}`, "--to", sandbox.path("restored")]);
    expect(describeDifferences(compareTrees(source, sandbox.path("restored"), ["mtime"]))).toBe("");
  },
);

test("a restore that is stopped leaves whole files only, and one that is killed no part of a large file under its name", async () => {
  const large = sandbox.path("large");
  mkdirSync(large);
  for (let n = 0; n < 3; n++) writeFileSync(join(large, `large-${n}`), systemRandom(60 << 20));
  for (let n = 0; n < 300; n++) writeFileSync(join(large, `small-${n}`), systemRandom(20_000));
  await sandbox.do(["at", store, "backup", large]);
  for (const signal of ["SIGINT", "SIGTERM", "SIGKILL"] as const) {
    const target = sandbox.path(`stopped-by-${signal}`);
    const run = sandbox.start(["at", store, "restore", `latest:${large}`, "--to", target]);
    // Something of a large file is there by then.
    while (bytesBelow(target) < 10 << 20 && run.child.exitCode === null) await sleep(1);
    run.child.kill(signal);
    const { status } = await run.ended;
    expect(status).toBe(signal === "SIGKILL" ? undefined : 130);
    const there = readdirSync(target);
    expect(there.length).toBeLessThan(303);
    const temporary = there.filter((name) => name.startsWith(".holdfast-"));
    if (signal !== "SIGKILL") expect(temporary).toEqual([]);
    for (const name of there) {
      if (temporary.includes(name)) continue;
      if (signal === "SIGKILL" && name.startsWith("small-")) continue;
      expect(readFileSync(join(target, name)).equals(readFileSync(join(large, name))), name).toBe(true);
    }
    await sandbox.do(["at", store, "restore", `latest:${large}`, "--to", target, "--overwrite", "changed"]);
    // What the killed one left is gone with the next.
    expect(readdirSync(target).filter((name) => name.startsWith(".holdfast-"))).toEqual([]);
    expect(describeDifferences(compareTrees(large, target, ["mtime"]))).toBe("");
  }
});

function bytesBelow(directory: string): number {
  if (!existsSync(directory)) return 0;
  return readdirSync(directory).reduce(
    (sum, name) => sum + (statSync(join(directory, name), { throwIfNoEntry: false })?.size ?? 0),
    0,
  );
}
