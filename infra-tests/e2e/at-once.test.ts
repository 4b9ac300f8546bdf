import { cpSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { compareTrees, describeDifferences } from "#infra-tests/fidelity/compare-trees.ts";
import { systemRandom } from "#shared/random.ts";
import { Sandbox } from "./sandbox.ts";

const sandbox = new Sandbox();
const store = ["at", sandbox.path("store")];
const sources = ["one", "two", "three", "four"].map((name) => sandbox.path(name));
afterAll(() => sandbox.remove());

beforeAll(async () => {
  mkdirSync(sandbox.path("shared"));
  for (let n = 0; n < 40; n++) writeFileSync(sandbox.path("shared", `same-${n}`), systemRandom(40_000));
  for (const source of sources) {
    cpSync(sandbox.path("shared"), source, { recursive: true });
    for (let n = 0; n < 40; n++) writeFileSync(join(source, `own-${n}`), systemRandom(40_000));
  }
  await sandbox.do([...store, "create"]);
});

/** Backs trees up, all at the same time, and expects a whole snapshot of each. */
async function backedUpAtOnce(trees: readonly string[], homeOf: (index: number) => string): Promise<void> {
  const before = (await sandbox.events([...store, "ls"])).events.length;
  const runs = await Promise.all(
    trees.map((tree, index) => {
      const home = homeOf(index);
      const env = { XDG_CACHE_HOME: join(home, "cache"), XDG_DATA_HOME: join(home, "data") };
      return sandbox.events([...store, "backup", tree], { env });
    }),
  );
  expect(runs.map(({ status, stderr }) => ({ status, stderr }))).toEqual(trees.map(() => ({ status: 0, stderr: "" })));
  const ids = runs.map(({ events }) => String(events.at(-1)!["snapshot"]));
  const listed = (await sandbox.events([...store, "ls"])).events;
  expect(listed).toHaveLength(before + trees.length);
  expect(
    listed
      .slice(before)
      .map((event) => event["id"])
      .sort(),
  ).toEqual([...ids].sort());
  expect(await sandbox.do([...store, "check", "--read"])).toBe("");
  for (const [index, id] of ids.entries()) {
    const target = sandbox.path(`restored-${id.slice(0, 12)}`);
    await sandbox.do([...store, "restore", `${id}:${trees[index]}`, "--to", target]);
    expect(describeDifferences(compareTrees(trees[index]!, target, ["mtime"]))).toBe("");
  }
}

test("two backups of one user at once are both whole", () =>
  backedUpAtOnce(sources.slice(0, 2), () => sandbox.path("home")));

test("four backups of four hosts at once are all whole", () =>
  backedUpAtOnce(sources, (index) => sandbox.path(`host-${index}`)));

test("two backups of the same tree at once are both whole", () =>
  backedUpAtOnce([sources[0]!, sources[0]!], () => sandbox.path("home")));
