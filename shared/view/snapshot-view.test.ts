import { describe, expect, it } from "vitest";
import { entryTypes } from "#shared/format/entry.ts";
import type { ScriptedEntry } from "#shared/operations/backup/scripted-source.testing.ts";
import { noise } from "#shared/operations/small-store.testing.ts";
import { meteredStore } from "#shared/store/metered-store.ts";
import type { Store } from "#shared/store/store.ts";
import { SnapshotView, type SnapshotViewOptions } from "./snapshot-view.ts";
import { all, contentOf, follow, storeOf } from "./view.testing.ts";

async function viewOf(store: Store, options: SnapshotViewOptions = {}): Promise<SnapshotView> {
  const followed = await follow(store);
  const [record] = await followed.records();
  return new SnapshotView(followed, record!.stateId, options);
}

const stores = new Map<readonly ScriptedEntry[], Promise<Store>>();

/** One store for all tests that only read it. */
function shared(entries: readonly ScriptedEntry[]): Promise<Store> {
  const made = stores.get(entries) ?? storeOf(entries);
  stores.set(entries, made);
  return made;
}

const link = (path: string, target: string): ScriptedEntry => ({ path, target, type: entryTypes.symlink });
const big = noise("big", 300_000);
const entries: readonly ScriptedEntry[] = [
  { path: "a/one", content: "1" },
  { path: "a/two", content: "22" },
  { path: "a/\xff\xfe", content: "odd" },
  { path: "a.b", content: "" },
  { path: "big", content: big },
  { path: "b/c/deep", content: "deep" },
];

describe("a snapshot view", () => {
  it("tells of paths, lists directories in order, and gives contents", async () => {
    const view = await viewOf(await shared(entries));
    expect((await all(view.list("/"))).map((entry) => entry.path)).toEqual(["/scripted"]);
    expect((await all(view.list("/scripted"))).map((entry) => entry.name)).toEqual(["a", "a.b", "b", "big"]);
    expect((await all(view.list("/scripted/a"))).map((entry) => entry.name)).toEqual(["one", "two", "\xff\xfe"]);
    expect(await view.stat("/scripted/a/two")).toMatchObject({ type: "file", sizeBytes: 2, name: "two", mode: 0o644 });
    expect((await contentOf(view, "/scripted/a/\xff\xfe")).toString()).toBe("odd");
    expect((await contentOf(view, "/scripted/a.b")).byteLength).toBe(0);
    expect((await contentOf(view, "/scripted/big")).equals(big)).toBe(true);
  });

  it("lists after a name, to a limit, and backwards", async () => {
    const view = await viewOf(await shared(entries));
    const names = async (options: object): Promise<string[]> =>
      (await all(view.list("/scripted", options))).map((entry) => entry.name);
    expect(await names({ after: "a" })).toEqual(["a.b", "b", "big"]);
    expect(await names({ after: "a", limit: 1 })).toEqual(["a.b"]);
    expect(await names({ limit: 0 })).toEqual([]);
    expect(await names({ reverse: true })).toEqual(["big", "b", "a.b", "a"]);
    expect(await names({ reverse: true, after: "b", limit: 1 })).toEqual(["a.b"]);
  });

  it.each(["//", "/scripted/", "/scripted//a", "/scripted/./a", "/scripted/../scripted", "/..", "scripted", "/a\0"])(
    "finds nothing by the path %j",
    async (path) => {
      const view = await viewOf(await shared(entries));
      await expect(view.stat(path)).rejects.toMatchObject({ kind: "absent" });
      expect(await view.follow(path === "scripted" ? path : "/none")).toBeUndefined();
    },
  );

  it("refuses to list a file and to read a directory", async () => {
    const view = await viewOf(await shared(entries));
    await expect(all(view.list("/scripted/big"))).rejects.toMatchObject({ kind: "invalid" });
    await expect(contentOf(view, "/scripted/a")).rejects.toMatchObject({ kind: "invalid" });
  });

  it("shows a directory of the snapshot as its top", async () => {
    const view = await viewOf(await shared(entries), { root: "/scripted/a" });
    expect((await all(view.list("/"))).map((entry) => entry.path)).toEqual(["/one", "/two", "/\xff\xfe"]);
    expect((await contentOf(view, "/one")).toString()).toBe("1");
    await expect(view.stat("/scripted")).rejects.toMatchObject({ kind: "absent" });
  });

  it("shows only what is below a directory, and what leads to it", async () => {
    const view = await viewOf(await shared(entries), { only: "/scripted/b/c" });
    expect((await all(view.below("/"))).map((entry) => entry.path)).toEqual([
      "/scripted",
      "/scripted/b",
      "/scripted/b/c",
      "/scripted/b/c/deep",
    ]);
    await expect(view.stat("/scripted/a")).rejects.toMatchObject({ kind: "absent" });
    await expect(view.stat("/scripted/b/cc")).rejects.toMatchObject({ kind: "absent" });
    const whole = await viewOf(await shared(entries));
    await expect(all(view.open(await whole.stat("/scripted/big")))).rejects.toMatchObject({ kind: "absent" });
  });

  it("gives equal tags to equal contents, and others to others", async () => {
    const view = await viewOf(
      await storeOf([
        { path: "1", content: big },
        { path: "2", content: big },
        { path: "3", content: big.subarray(1) },
        { path: "4", content: "" },
        { path: "5", content: Buffer.alloc(9000), extents: [0, 9000] },
      ]),
    );
    const tags = (await all(view.list("/scripted"))).map((entry) => entry.contentTag);
    expect(tags[0]).toMatch(/^[0-9a-f]{32}$/);
    expect(tags[1]).toBe(tags[0]);
    expect(new Set(tags).size).toBe(4);
    expect((await view.stat("/scripted")).contentTag).toBeUndefined();
  });
});

describe("ranges of a file", () => {
  it("are the bytes of the file, wherever they begin and end", async () => {
    const view = await viewOf(await storeOf([{ path: "big", content: big }]));
    const edges = [0, 1, 1023, 1024, 4095, 16_384, 100_000, 299_999, 300_000];
    for (const start of edges) {
      for (const end of edges.filter((each) => each >= start)) {
        const part = await contentOf(view, "/scripted/big", { start, end });
        expect(part.equals(big.subarray(start, end)), `${start}-${end}`).toBe(true);
      }
    }
  });

  it("outside the file are refused", async () => {
    const view = await viewOf(await storeOf([{ path: "f", content: "abc" }]));
    for (const range of [
      { start: 0, end: 4 },
      { start: -1, end: 2 },
      { start: 2, end: 1 },
    ])
      await expect(contentOf(view, "/scripted/f", range)).rejects.toMatchObject({ kind: "invalid" });
  });

  it("take requests for what they touch, not for the size of the file", async () => {
    const huge = noise("huge", 2_000_000);
    const { store, meter } = meteredStore(await storeOf([{ path: "huge", content: huge }]));
    const view = await viewOf(store);
    const entry = await view.stat("/scripted/huge");
    const before = meter.gets;
    const downBytes = meter.downBytes;
    for (const start of [1_999_000, 1000, 900_000]) {
      const parts = await all(view.open(entry, { start, end: start + 100 }));
      expect(Buffer.concat(parts).equals(huge.subarray(start, start + 100))).toBe(true);
    }
    expect(meter.gets - before).toBeLessThanOrEqual(6);
    expect(meter.downBytes - downBytes).toBeLessThan(200_000);
  });

  it("end with an error where stored bytes do not verify, and give none of them", async () => {
    const store = await storeOf([{ path: "big", content: big }]);
    const damaging: Store = {
      ...store,
      async get(key, range) {
        const bytes = await store.get(key, range);
        return key.startsWith("packs/") && isDamaging ? bytes.map((byte) => byte ^ 1) : bytes;
      },
    };
    let isDamaging = false;
    const view = await viewOf(damaging);
    const entry = await view.stat("/scripted/big");
    isDamaging = true;
    await expect(all(view.open(entry))).rejects.toMatchObject({ kind: "corrupt" });
  });

  it("that are left half-read give back what they took of the read-ahead", async () => {
    const followed = await follow(await storeOf([{ path: "huge", content: noise("h", 1_000_000) }]));
    const [record] = await followed.records();
    const view = new SnapshotView(followed, record!.stateId);
    let read = 0;
    for await (const part of view.open(await view.stat("/scripted/huge"))) {
      read += part.byteLength;
      if (read > 300_000) break;
    }
    expect(followed.readAhead.usedBytes).toBe(0);
    await all(view.open(await view.stat("/scripted/huge")));
    expect(followed.readAhead.usedBytes).toBe(0);
  });
});

describe("links", () => {
  const linked: readonly ScriptedEntry[] = [
    { path: "etc/real", content: "real" },
    link("etc/same", "real"),
    link("etc/absolute", "/scripted/etc/real"),
    link("etc/up", "../../../../../../scripted/etc/real"),
    link("dir", "etc"),
    link("chain", "dir/same"),
    link("loop", "pool"),
    link("pool", "loop"),
    link("self", "self/x"),
    link("outside", "/nowhere"),
    link("through", "etc/real/x"),
    link("empty-up", ".."),
  ];

  it.each([
    ["/scripted/etc/same", "/scripted/etc/real"],
    ["/scripted/etc/absolute", "/scripted/etc/real"],
    ["/scripted/etc/up", "/scripted/etc/real"],
    ["/scripted/chain", "/scripted/etc/real"],
    ["/scripted/dir/real", "/scripted/etc/real"],
    ["/scripted/dir", "/scripted/etc"],
    ["/scripted/empty-up", "/"],
    ["/scripted/loop", undefined],
    ["/scripted/self", undefined],
    ["/scripted/outside", undefined],
    ["/scripted/through", undefined],
    ["/scripted/gone/../etc/real", undefined],
  ])("%s leads to %s", async (path, to) => {
    const view = await viewOf(await shared(linked));
    expect((await view.follow(path))?.path).toBe(to);
  });

  it("lead nowhere where they lead out of what the view shows", async () => {
    const store = await storeOf([
      { path: "secret", content: "s" },
      link("etc/out", "../secret"),
      link("etc/in", "x"),
      { path: "etc/x" },
    ]);
    const rooted = await viewOf(store, { root: "/scripted/etc" });
    expect(await rooted.follow("/out")).toBeUndefined();
    expect((await rooted.follow("/in"))?.path).toBe("/x");
    const only = await viewOf(store, { only: "/scripted/etc" });
    expect(await only.follow("/scripted/etc/out")).toBeUndefined();
    expect((await only.follow("/scripted/etc/in"))?.path).toBe("/scripted/etc/x");
  });
});
