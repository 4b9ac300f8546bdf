import { describe, expect, it } from "vitest";
import { scriptedSource } from "#shared/operations/backup/scripted-source.testing.ts";
import { backupSmall, createSmall } from "#shared/operations/small-store.testing.ts";
import { memoryStore } from "#shared/store/memory-store.ts";
import type { Store } from "#shared/store/store.ts";
import { compareDirectories } from "./compare-directories.ts";
import { listWindow } from "./list-window.ts";
import { NameSearch, searchBelow } from "./search-below.ts";
import { snapshotErrors } from "./snapshot-errors.ts";
import { StoreView } from "./store-view.ts";
import { all, follow } from "./view.testing.ts";

const many = Array.from({ length: 1500 }, (_, number) => ({
  path: `many/${String(number).padStart(4, "0")}`,
  content: "x",
}));
const before = [
  ...many,
  { path: "etc/hosts", content: "old" },
  { path: "etc/gone", content: "gone" },
  { path: "home/ada/Note.txt", content: "n" },
];
const after = [
  ...many.filter(({ path }) => path !== "many/0700"),
  { path: "etc/hosts", content: "new", mtimeSec: 2_000_000 },
  { path: "etc/added/note", content: "a" },
  { path: "home/ada/Note.txt", content: "n" },
];

async function twoSnapshots(): Promise<Store> {
  const store = memoryStore();
  await createSmall(store);
  await backupSmall(store, [scriptedSource({ entries: before })]);
  const problems = [
    { path: "/scripted/etc/secret", kind: "denied", message: "permission denied" },
    { path: "/scripted/home/x", kind: "denied", message: "permission denied" },
  ] as const;
  await backupSmall(store, [scriptedSource({ entries: after, problems })]);
  return store;
}

/** A view and the paths of the older and the newer snapshot. */
async function viewOf(store: Store, only?: string): Promise<{ view: StoreView; older: string; newer: string }> {
  const view = new StoreView(await follow(store), { only });
  const [older, newer] = (await all(view.list("/"))).sort((a, b) => a.snapshot!.timeMs - b.snapshot!.timeMs);
  return { view, older: older!.path, newer: newer!.path };
}

describe("a window of a directory", () => {
  it("is what the list has there, in either order, with the total", async () => {
    const { view, newer } = await viewOf(await twoSnapshots());
    const listed = (await all(view.list(`${newer}/scripted/many`))).map((entry) => entry.name);
    expect(listed).toHaveLength(1499);
    const located = await view.locate(`${newer}/scripted/many`);
    for (const reverse of [false, true]) {
      const names = reverse ? listed.toReversed() : listed;
      for (const offset of [0, 1, 698, 1498, 1499, 5000]) {
        const { total, entries } = await listWindow(located, { offset, limit: 5, reverse });
        expect(total).toBe(1499);
        expect(entries.map((entry) => entry.name)).toEqual(names.slice(offset, offset + 5));
      }
    }
  });

  it("of directories that lead to sources, and of what shows in part, has what shows", async () => {
    const { view, newer } = await viewOf(await twoSnapshots(), "/scripted/etc");
    const window = { offset: 0, limit: 10, reverse: false };
    expect((await listWindow(await view.locate(newer), window)).entries.map((each) => each.name)).toEqual(["scripted"]);
    const { total, entries } = await listWindow(await view.locate(`${newer}/scripted`), window);
    expect([total, ...entries.map((entry) => entry.name)]).toEqual([1, "etc"]);
  });
});

describe("a comparison", () => {
  const told = async (view: StoreView, left: string, right: string): Promise<string[]> => {
    const changes = await all(compareDirectories(await view.locate(left), await view.locate(right)));
    return changes.map(({ kind, path, parts }) => [kind, path, ...parts].join(" "));
  };
  const etc = ["removed gone", "changed hosts content time", "added added", "added added/note"];

  it("of two snapshots tells what was added, removed and changed", async () => {
    const { view, older, newer } = await viewOf(await twoSnapshots());
    const changes = await told(view, older, newer);
    expect(changes.filter((change) => !change.includes("many")).toSorted()).toEqual(
      etc.map((change) => change.replace(/^(\w+) /, "$1 scripted/etc/")).toSorted(),
    );
    expect(changes).toContain("removed scripted/many/0700");
    expect(await told(view, newer, newer)).toEqual([]);
  });

  it("of one directory of two snapshots tells of paths below it", async () => {
    const { view, older, newer } = await viewOf(await twoSnapshots());
    expect((await told(view, `${older}/scripted/etc`, `${newer}/scripted/etc`)).toSorted()).toEqual(etc.toSorted());
  });

  it("of different directories compares the paths below them", async () => {
    const { view, newer } = await viewOf(await twoSnapshots());
    expect(await told(view, `${newer}/scripted/etc`, `${newer}/scripted/home`)).toEqual([
      "added ada",
      "removed added",
      "removed hosts",
      "added ada/Note.txt",
      "removed added/note",
    ]);
    expect(await told(view, `${newer}/scripted/home/ada`, `${newer}/scripted/home`)).toEqual([
      "removed Note.txt",
      "added ada",
      "added ada/Note.txt",
    ]);
    expect(await told(view, newer, `${newer}/scripted/home`)).toContain("removed scripted");
  });

  it("is refused where one shows only in part", async () => {
    const { view, older, newer } = await viewOf(await twoSnapshots(), "/scripted/etc");
    await expect(told(view, older, newer)).rejects.toMatchObject({ kind: "denied" });
    expect(await told(view, `${older}/scripted/etc`, `${newer}/scripted/etc`)).toHaveLength(4);
  });
});

describe("a search", () => {
  it("finds names in one snapshot, and leaves out of the next what it has seen", async () => {
    const { view, older, newer } = await viewOf(await twoSnapshots());
    const search = new NameSearch((name) => name.toLowerCase().includes("note"));
    const paths = async (path: string): Promise<string[]> =>
      (await all(searchBelow(await view.locate(path), search))).map((entry) => entry.path.slice(path.length));
    expect(await paths(newer)).toEqual(["/scripted/etc/added/note", "/scripted/home/ada/Note.txt"]);
    expect(search.lookedAt).toBeGreaterThan(1500);
    expect(await paths(newer)).toEqual([]);
    expect(await paths(`${older}/scripted/home`)).toBeInstanceOf(Array);
  });

  it("finds nothing that is not shown", async () => {
    const { view, newer } = await viewOf(await twoSnapshots(), "/scripted/etc");
    const found = await all(searchBelow(await view.locate(newer), new NameSearch(() => true)));
    expect(found.map((entry) => entry.path.slice(newer.length + 1)).toSorted()).toEqual([
      "scripted",
      "scripted/etc",
      "scripted/etc/added",
      "scripted/etc/added/note",
      "scripted/etc/hosts",
    ]);
  });
});

it("errors of a backup are told as far as they are shown", async () => {
  const store = await twoSnapshots();
  const { view, older, newer } = await viewOf(store);
  expect((await snapshotErrors(await view.locate(newer))).map((error) => error.path)).toEqual([
    "/scripted/etc/secret",
    "/scripted/home/x",
  ]);
  expect(await snapshotErrors(await view.locate(older))).toEqual([]);
  const partly = await viewOf(store, "/scripted/etc");
  expect(await snapshotErrors(await partly.view.locate(newer))).toHaveLength(1);
  const located = await view.locate(newer);
  expect((await located.store.storedShares()).get(located.record.stateId)).toBeGreaterThan(0);
});
