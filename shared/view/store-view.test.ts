import { expect, it } from "vitest";
import { createSigner } from "#shared/crypto/signing.ts";
import { removeSnapshots } from "#shared/log/remove-snapshots.ts";
import { scriptedSource } from "#shared/operations/backup/scripted-source.testing.ts";
import { backupSmall, impatientClock, openSmall } from "#shared/operations/small-store.testing.ts";
import { systemRandom } from "#shared/random.ts";
import { idPrefixInName, snapshotName } from "./snapshot-name.ts";
import { latestName } from "./latest-aliases.ts";
import { StoreView } from "./store-view.ts";
import { all, contentOf, follow, storeOf } from "./view.testing.ts";
import { idFromBytes } from "#shared/format/ids.ts";

it("shows snapshots as they are committed, the newest last or first, and forgets those that are removed", async () => {
  const store = await storeOf([{ path: "a", content: "first" }]);
  const view = new StoreView(await follow(store));
  const [first] = await all(view.list("/"));
  expect(first!.name).toMatch(/^\d{4}-\d\d-\d\d-\d{6}-small-[0-9a-f]{8}$/);
  expect(first!.snapshot).toMatchObject({ host: "small", user: "tester", roots: ["/scripted"], errorCount: 0 });
  expect((await contentOf(view, `${first!.path}/scripted/a`)).toString()).toBe("first");

  await backupSmall(store, [scriptedSource({ entries: [{ path: "a", content: "second" }] })]);
  expect(await all(view.list("/"))).toHaveLength(2);
  const names = (await all(view.list("/"))).map((entry) => entry.name);
  expect(names).toEqual([...names].sort());
  expect((await all(view.list("/", { reverse: true }))).map((entry) => entry.name)).toEqual(names.toReversed());
  expect((await all(view.list("/", { after: names[0] }))).map((entry) => entry.name)).toEqual([names[1]]);
  expect((await contentOf(view, `/${latestName}/scripted/a`)).toString()).toBe("second");
  expect((await contentOf(view, `/${first!.snapshot!.id}/scripted/a`)).toString()).toBe("first");

  const repository = await openSmall(store);
  await removeSnapshots(
    {
      store,
      signer: createSigner(new Uint8Array(32).fill(3)),
      clock: impatientClock,
      random: systemRandom,
      from: repository.log,
    },
    [idFromBytes("state", Buffer.from(first!.snapshot!.id, "hex"))],
  );
  expect(await all(view.list("/"))).toHaveLength(1);
  await expect(view.stat(`${first!.path}/scripted/a`)).rejects.toMatchObject({ kind: "absent" });
});

it("shows only what it admits", async () => {
  const store = await storeOf([
    { path: "a", content: "1" },
    { path: "d/b", content: "2" },
  ]);
  const followed = await follow(store);
  const none = new StoreView(followed, { admits: () => false });
  expect(await all(none.list("/"))).toEqual([]);
  const [shown] = await all(new StoreView(followed).list("/"));
  await expect(none.stat(shown!.path)).rejects.toMatchObject({ kind: "absent" });
  await expect(none.stat(`/${latestName}`)).rejects.toMatchObject({ kind: "absent" });
  const only = new StoreView(followed, { only: "/scripted/d" });
  expect((await all(only.below(shown!.path))).map((entry) => entry.path.slice(shown!.path.length))).toEqual([
    "/scripted",
    "/scripted/d",
    "/scripted/d/b",
  ]);
});

it("follows links inside a snapshot, and not into another", async () => {
  const store = await storeOf([
    { path: "real", content: "1" },
    { path: "link", type: 3, target: "/scripted/real" },
    { path: "up", type: 3, target: "../../../latest/scripted/real" },
  ]);
  const view = new StoreView(await follow(store));
  expect((await view.follow("/latest/scripted/link"))?.path).toBe("/latest/scripted/real");
  expect(await view.follow("/latest/scripted/up")).toBeUndefined();
  expect(await view.follow("/nothing/scripted/link")).toBeUndefined();
});

it.each([
  ["web1.example.org", "2026-11-20-073412-web1-example-org-ababab00"],
  ["--Ünïcode--", "2026-11-20-073412-n-code-ababab00"],
  ["", "2026-11-20-073412-ababab00"],
  ["x".repeat(300), `2026-11-20-073412-${"x".repeat(36)}-ababab00`],
])("names a snapshot of host %j so that it fits a bucket", (host, name) => {
  const id = idFromBytes("state", Buffer.from("ababab00".repeat(8), "hex"));
  expect(snapshotName(id, { timeMs: Date.UTC(2026, 10, 20, 7, 34, 12, 999), host })).toBe(name);
  expect(name.length).toBeLessThanOrEqual(63);
  expect(idPrefixInName(name)).toBe("ababab00");
  expect(snapshotName(id, { timeMs: Number.MAX_SAFE_INTEGER, host })).toMatch(/^9999-12-31/);
});
