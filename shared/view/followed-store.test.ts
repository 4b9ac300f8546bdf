import { expect, it } from "vitest";
import { scriptedSource } from "#shared/operations/backup/scripted-source.testing.ts";
import { backupSmall, createSmall, impatientClock, openSmall } from "#shared/operations/small-store.testing.ts";
import { memoryStore } from "#shared/store/memory-store.ts";
import { FollowedStore } from "./followed-store.ts";
import { SnapshotView } from "./snapshot-view.ts";
import { all, contentOf } from "./view.testing.ts";

const backups = 12;

it("a new snapshot costs what it added, not what is there; and a snapshot that is open is read on", async () => {
  const store = memoryStore();
  await createSmall(store);
  const entries = Array.from({ length: backups + 1 }, (_, index) => ({
    path: `f${index}`,
    content: `content ${index}`,
  }));
  const commit = (count: number) => backupSmall(store, [scriptedSource({ entries: entries.slice(0, count) })]);
  for (let count = 1; count <= backups; count++) await commit(count);
  const asked: string[] = [];
  const metered = {
    ...store,
    get: (...[key, range]: Parameters<typeof store.get>) => (asked.push(key), store.get(key, range)),
  };
  const followed = new FollowedStore(await openSmall(metered), { clock: impatientClock, refreshMs: 0 });
  const [before] = await followed.records();
  const old = new SnapshotView(followed, before!.stateId);
  expect((await contentOf(old, "/scripted/f0")).toString()).toBe("content 0");
  await commit(backups + 1);
  asked.length = 0;
  const [newest, second] = await followed.records();
  expect(second).toEqual(before);
  const view = new SnapshotView(followed, newest!.stateId);
  expect(await all(view.list("/scripted"))).toHaveLength(backups + 1);
  expect((await contentOf(view, `/scripted/f${backups}`)).toString()).toBe(`content ${backups}`);
  expect((await contentOf(view, "/scripted/f3")).toString()).toBe("content 3");
  const states = asked.filter((key) => key.startsWith("states/"));
  expect(new Set(states).size).toBe(1);
  expect(states.length).toBeLessThanOrEqual(3);
  expect((await contentOf(old, "/scripted/f1")).toString()).toBe("content 1");
});
