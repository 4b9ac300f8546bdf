import type * as threads from "node:worker_threads";
import { afterEach, beforeAll, beforeEach, expect, test, vi } from "vitest";
import { scriptedSource } from "#shared/operations/backup/scripted-source.testing.ts";
import { maintenance } from "#shared/operations/maintenance/maintenance.ts";
import { setGracePeriod } from "#shared/operations/maintenance/set-grace-period.ts";
import { silentReporter } from "#shared/operations/progress.ts";
import { planSmall, repairSmall } from "#shared/operations/repair/repair-small.testing.ts";
import {
  appenderTo,
  backupSmall,
  createSmall,
  fill,
  noise,
  objectsOf,
  openSmall,
} from "#shared/operations/small-store.testing.ts";
import { memoryStore } from "#shared/store/memory-store.ts";
import type { Store } from "#shared/store/store.ts";
import { mountOf, serveSmall, type SmallGateway } from "#gateway/small-gateway.testing.ts";
import type { ApiSnapshot } from "./api-snapshot.ts";

vi.mock("node:worker_threads", async (importActual) => {
  const { checksInProcess } = await import("#shared/operations/threads-in-process.testing.ts");
  return checksInProcess(await importActual<typeof threads>());
});

const problems = [{ path: "/scripted/unreadable", kind: "denied", message: "permission denied" }] as const;
const large = { path: "large", content: noise("large", 300_000) };
const later = { path: "later", content: noise("later", 40_000) };

let objects: Map<string, Uint8Array>;
beforeAll(async () => {
  const store = memoryStore();
  await createSmall(store);
  await backupSmall(store, [scriptedSource({ entries: [large], problems })]);
  await backupSmall(store, [scriptedSource({ entries: [large, later] })]);
  await setGracePeriod(await appenderTo(store), 0, 1);
  objects = await objectsOf(store);
});

let store: Store;
beforeEach(async () => {
  store = await fill(memoryStore(), objects);
});
const running: SmallGateway[] = [];
afterEach(async () => {
  for (const { gateway } of running.splice(0)) await gateway.close(0);
});

async function ask(route: string, query = "") {
  const listeners = [{ host: "127.0.0.1", port: 0, protocols: ["ui" as const] }];
  const small = await serveSmall(await mountOf(store, "store"), { listeners });
  running.push(small);
  const response = await fetch(`${small.url}/api/${route}?${query}`);
  expect(response.status, await response.clone().text()).toBe(200);
  // oxlint-disable-next-line typescript/no-unsafe-return
  return (await response.json()) as any; // oxlint-disable-line typescript/no-explicit-any
}

/** The snapshots, the oldest first. */
async function snapshots(): Promise<ApiSnapshot[]> {
  return (await ask("snapshots", "order=asc")).snapshots as ApiSnapshot[];
}

/** What each snapshot takes, the oldest first. */
async function usage(): Promise<number[]> {
  const { points } = (await ask("usage")) as { readonly points: readonly { readonly addedBytes: number }[] };
  return points.map((each) => each.addedBytes);
}

/** Loses the packs that hold most of the large file. @returns what brings them back */
async function loseLarge(): Promise<() => Promise<void>> {
  const lost = [...objects].filter(([key, bytes]) => key.startsWith("packs/") && bytes.byteLength > 60_000);
  expect(lost.length).toBeGreaterThan(2);
  for (const [key] of lost) await store.delete(key);
  return async () => {
    for (const [key, bytes] of lost) await store.put(key, [bytes]);
  };
}

test("a snapshot that lost files shows how many, and names them beside what its backup could not read", async () => {
  const [before] = await snapshots();
  expect(before).toMatchObject({ errorCount: 1, lostPaths: 0, isRepaired: false });
  const mount = await loseLarge();
  await repairSmall(store);
  const [first, second] = await snapshots();
  expect(first).toMatchObject({ errorCount: 2, lostPaths: 1, isRepaired: true });
  expect(second).toMatchObject({ errorCount: 1, lostPaths: 1, isRepaired: true });
  expect((await ask("errors", `path=${first?.path}`)).errors).toMatchObject([
    { path: "/scripted/unreadable", kind: "denied" },
    { path: "/scripted/large", kind: "lost" },
  ]);
  expect((await planSmall(store)).restatements, "noted once, not at each repair").toEqual([]);
  await mount();
  await repairSmall(store);
  const [mended] = await snapshots();
  expect(mended).toMatchObject({ errorCount: 1, lostPaths: 0, isRepaired: true });
  expect((await ask("errors", `path=${mended?.path}`)).errors).toMatchObject([{ kind: "denied" }]);
});

test("the names and ids that a snapshot had before its repairs lead to it, also after maintenance", async () => {
  const [before] = await snapshots();
  const mount = await loseLarge();
  await repairSmall(store);
  const [between] = await snapshots();
  await mount();
  await repairSmall(store);
  for (let runs = 0; runs < 3; runs++) await maintain();
  const [now] = await snapshots();
  for (const path of [before?.path, `/${before?.id}`, between?.path, `/${between?.id}`])
    expect((await ask("errors", `path=${path}`)).snapshot, path).toMatchObject({ id: now?.id });
});

test("what snapshots take in the store stays right through repair and maintenance", async () => {
  const packBytes = async (): Promise<number> =>
    [...(await objectsOf(store))].reduce(
      (sum, [key, each]) => sum + (key.startsWith("packs/") ? each.byteLength : 0),
      0,
    );
  const [first = 0, second = 0] = await usage();
  expect(first).toBeGreaterThan(300_000);
  expect(second).toBeGreaterThan(40_000);
  expect(second).toBeLessThan(60_000);
  const mount = await loseLarge();
  await repairSmall(store);
  expect((await usage())[0], "what is lost takes nothing").toBeLessThan(first - 200_000);
  await mount();
  await repairSmall(store);
  for (let runs = 0; runs < 3; runs++) await maintain();
  const after = await usage();
  expect(Math.abs((after[0] ?? 0) - first)).toBeLessThan(5000);
  expect(Math.abs((after[1] ?? 0) - second)).toBeLessThan(5000);
  const sum = after.reduce((total, each) => total + each, 0);
  expect(Math.abs(sum - (await packBytes())) / sum, "as much as there is in the store").toBeLessThan(0.05);
});

async function maintain(): Promise<void> {
  await maintenance({
    appender: await appenderTo(store),
    config: (await openSmall(store)).config,
    dryRun: false,
    force: true,
    compact: true,
    orphanAgeMs: 0,
    reporter: silentReporter,
  });
}
