import { describe, expect, it } from "vitest";
import type { Importer } from "#shared/connectors/importer.ts";
import { HoldfastError } from "#shared/errors.ts";
import { entryTypes } from "#shared/format/entry.ts";
import { decodeErrorList } from "#shared/format/error-list.ts";
import { idToBytes } from "#shared/format/ids.ts";
import { liveRecords, readSnapshot } from "#shared/snapshot/read-snapshot.ts";
import { faultyStore } from "#shared/store/faulty-store.ts";
import { memoryStore } from "#shared/store/memory-store.ts";
import type { Store } from "#shared/store/store.ts";
import type { Progress } from "#shared/operations/progress.ts";
import {
  backupSmall,
  checkSmall,
  collectingReporter,
  createSmall,
  isSound,
  MemoryJournal,
  noise,
  openSmall,
  readWhole,
  wholeFile,
} from "#shared/operations/small-store.testing.ts";
import { planBackup } from "./plan-backup.ts";
import { type ScriptedEntry, scriptedSource } from "./scripted-source.testing.ts";

async function newStore(): Promise<Store> {
  const store = memoryStore();
  await createSmall(store);
  return store;
}

async function errorsOf(store: Store) {
  const repository = await openSmall(store);
  const [record] = liveRecords(repository);
  if (record === undefined) return expect.fail("no snapshot");
  const { header } = await readSnapshot(repository, record);
  if (header.errorList === undefined) return [];
  const reader = await repository.blobReader();
  return decodeErrorList(await reader.readNode(idToBytes(header.errorList)), "errors");
}

/** Backs entries up and compares all of them with what is read back. `expected` replaces what some become. */
async function expectReadBack(
  store: Store,
  entries: readonly ScriptedEntry[],
  expected: Readonly<Record<string, string>> = {},
): Promise<void> {
  await backupSmall(store, [scriptedSource({ entries })]);
  const read = await readWhole(await openSmall(store));
  for (const { path, content } of entries)
    expect(read.get(`/scripted/${path}`), path).toBe(expected[path] ?? wholeFile(content ?? ""));
  expect(isSound(await checkSmall(store, 0))).toBe(true);
}

it("publishes nothing in a store that was taken away while the first backup ran", async () => {
  const whole = await newStore();
  const store: Store = {
    ...whole,
    async put(key, body, options) {
      await whole.put(key, body, options);
      if (key.startsWith("states/")) await whole.delete("config");
    },
  };
  const made = backupSmall(store, [scriptedSource({ entries: [{ path: "a", content: "a" }] })]);
  await expect(made).rejects.toMatchObject({ kind: "absent", message: expect.stringContaining("its config has gone") });
  for await (const { key } of whole.list("log/")) expect.fail(key);
});

it("tells of every modification time that it cannot store as it is, in each run", async () => {
  const store = await newStore();
  const entries = [
    { path: "directory", type: entryTypes.directory, mtimeSec: -(2 ** 62) },
    { path: "far", content: "x", mtimeSec: 2 ** 50 + 1 },
    { path: "link", type: entryTypes.symlink, target: "far", mtimeSec: 2 ** 63 },
    { path: "near", content: "x", mtimeSec: 2 ** 50 },
  ];
  for (let round = 0; round < 2; round++) {
    const { reporter, errors: foreseen } = collectingReporter();
    const repository = await openSmall(store);
    const importers = [scriptedSource({ entries })];
    const request = { repository, importers, host: "h", name: "default", user: "tester", force: false, reporter };
    const plan = await planBackup(request);
    expect(plan.errorCount).toBe(3);
    await backupSmall(store, [scriptedSource({ entries })]);
    expect(foreseen).toEqual(await errorsOf(store));
    const errors = [...(await errorsOf(store))];
    expect(errors.map(({ path }) => path)).toEqual(["/scripted/directory", "/scripted/far", "/scripted/link"]);
    for (const { message } of errors) expect(message).toContain("mtime: it is more than 35 million years from 1970");
  }
});

it("goes on where all that it waits for came while it waited for something else", async () => {
  const read = Array.from({ length: 192 }, (_, number) => ({ path: `a${number}`, content: "x" }));
  const empty = Array.from({ length: 2500 }, (_, number) => ({ path: `b${number}` }));
  const source = scriptedSource({ entries: [...read, ...empty] });
  const { reporter } = collectingReporter();
  let progress: Progress | undefined;
  const slow: Importer = {
    ...source,
    async *scan(onProblem) {
      for await (const records of source.scan(onProblem)) {
        const all = [...records];
        const first = all.findIndex(({ name }) => name.startsWith("b"));
        yield all.slice(0, first);
        // A whole batch of files is being read; nothing else is once it has been.
        for (let round = 0; round < 2000 && (progress?.bytesDone ?? 0) < read.length; round++)
          await new Promise((resolve) => setTimeout(resolve, 5));
        yield all.slice(first);
      }
    },
  };
  const store = await newStore();
  const told = { ...reporter, start: (started: Progress) => void (progress = started) };
  const { entries } = await backupSmall(store, [slow], { reporter: told });
  expect(progress?.bytesDone).toBe(read.length);
  expect(entries).toBe(1 + read.length + empty.length);
});

describe("files that share a batch", () => {
  it("each get their own content, attributes and errors, whatever befalls the others", async () => {
    const entries: ScriptedEntry[] = [];
    const expected: Record<string, string> = {};
    for (let number = 0; number < 40; number++) {
      const path = String(number).padStart(2, "0");
      const content = noise(path, 3000 + number);
      const how = (["", "open", "close", "read", "short", "changes"] as const)[number % 6];
      if (how === "open" || how === "close") entries.push({ path, content, fails: how });
      else if (how === "read") entries.push({ path, content: noise(path, 200_000), fails: how });
      else if (how === "short") entries.push({ path, content, endsAt: 1000 });
      else entries.push({ path, content, changes: how === "changes" });
      if (how === "open") expected[path] = "error Cannot open the file";
      if (how === "close") expected[path] = "error Cannot look at the file";
      if (how === "read") expected[path] = "error Cannot read the file";
      if (how === "short") expected[path] = `${wholeFile(content.subarray(0, 1000))} changed`;
      if (how === "changes") expected[path] = `${wholeFile(content)} changed`;
    }
    const store = await newStore();
    await expectReadBack(store, entries, expected);
    const told = new Map((await errorsOf(store)).map((error) => [error.path, error.kind]));
    expect(told.get("/scripted/01")).toBe("EACCES");
    expect(told.get("/scripted/02")).toBe("ESTALE");
    expect(told.get("/scripted/03")).toBe("EIO");
    expect(told.get("/scripted/05")).toBe("changed");
    expect(told.has("/scripted/00")).toBe(false);
  });

  it("that were not whole are read again, and those that were are not", async () => {
    const store = await newStore();
    const entries: ScriptedEntry[] = [
      { path: "changed", content: "1", changes: true },
      { path: "failed", content: "2", fails: "open" },
      { path: "whole", content: "3" },
    ];
    await backupSmall(store, [scriptedSource({ entries })]);
    const again = entries.map(({ path, content }) => ({
      path,
      content: content ?? "",
      fails: path === "whole" ? ("open" as const) : undefined,
    }));
    const report = await backupSmall(store, [
      scriptedSource({ entries: again.map(({ fails, ...each }) => (fails === undefined ? each : { ...each, fails })) }),
    ]);
    expect(report).toMatchObject({ unchanged: 2, errorCount: 0 });
  });
});

describe("hard links", () => {
  it("are read once, unless the file was written to between two looks at it", async () => {
    const store = await newStore();
    const link = { inode: 5, nlink: 3 } as const;
    await expectReadBack(store, [
      { path: "a", content: "before", ...link },
      { path: "b", content: "before", ...link, fails: "open" },
      { path: "c", content: "after!", ...link, mtimeSec: 2_000_000 },
    ]);
  });

  it("share what befell the one that was read", async () => {
    const store = await newStore();
    const link = { inode: 5, nlink: 3, content: "x" } as const;
    await expectReadBack(
      store,
      [
        { path: "a", ...link, fails: "open" },
        { path: "b", ...link },
        { path: "c", ...link, device: 2 },
      ],
      {
        a: "error Cannot open the file",
        b: "error Cannot open the file",
      },
    );
  });
});

describe("errors of a snapshot", () => {
  it("are listed as far as there is room, and all counted", async () => {
    const store = await newStore();
    const problems = Array.from({ length: 60_000 }, (_each, number) => ({
      path: `/scripted/${"long name ".repeat(50)}${number}`,
      kind: "EACCES",
      message: "Cannot look at it: permission denied",
    }));
    const report = await backupSmall(store, [scriptedSource({ entries: [{ path: "a", content: "a" }], problems })]);
    expect(report.errorCount).toBe(60_000);
    const listed = await errorsOf(store);
    expect(listed.length).toBeGreaterThan(1000);
    expect(listed).toEqual(problems.slice(0, listed.length));
    expect(isSound(await checkSmall(store, 0))).toBe(true);
  });
});

describe("several sources", () => {
  it("are one snapshot, and each is compared with its own past", async () => {
    const store = await newStore();
    const left: ScriptedEntry[] = [{ path: "x", content: "left" }];
    const right: ScriptedEntry[] = [{ path: "x", content: "right" }];
    const importers = () => [
      scriptedSource({ root: "/left", entries: left }),
      scriptedSource({ root: "/right", entries: right }),
    ];
    await backupSmall(store, importers());
    expect(await backupSmall(store, importers().toReversed())).toMatchObject({ changed: 0, unchanged: 4 });
    const read = await readWhole(await openSmall(store));
    expect(read.get("/left/x")).toBe(wholeFile("left"));
    expect(read.get("/right/x")).toBe(wholeFile("right"));
  });
});

describe("backups at once in one process", () => {
  it.each([1, 2, 3])("to one store are both whole, however their calls interleave (%i)", async (round) => {
    const store = await newStore();
    // Much is in both: each stores its own copy of what the other has not published yet.
    const shared: ScriptedEntry[] = Array.from({ length: 15 }, (_each, number) => ({
      path: `shared/${number}`,
      content: noise(`${number}`, 20_000),
    }));
    const trees = ["one", "two", "three"].map((name) => [...shared, { path: "own", content: name }]);
    let draw = round * 7919;
    const delayed = (): Store =>
      faultyStore(store, {
        fault: () => undefined,
        latencyMs: 1,
        clock: {
          nowMs: () => 0,
          sleep: () => new Promise((resolve) => setTimeout(resolve, (draw = (draw * 48271) % 2147483647) % 8)),
        },
      });
    const reports = await Promise.all(
      trees.map((entries, index) => backupSmall(delayed(), [scriptedSource({ root: `/${index}`, entries })])),
    );
    const repository = await openSmall(store);
    const order = liveRecords(repository).map((record) => record.stateId as string);
    expect(new Set(order)).toEqual(new Set(reports.map((report) => report.snapshotId)));
    for (const [index, entries] of trees.entries()) {
      const read = await readWhole(repository, order.indexOf(reports[index]?.snapshotId ?? ""));
      for (const { path, content } of entries) expect(read.get(`/${index}/${path}`)).toBe(wholeFile(content ?? ""));
    }
    const report = await checkSmall(store);
    expect(report.errors).toEqual([]);
    expect(isSound(report)).toBe(true);
    // What is there several times does not confuse the next backup either.
    expect(await backupSmall(store, [scriptedSource({ root: "/0", entries: trees[0] ?? [] })])).toMatchObject({
      changed: 0,
      newBytes: 0,
    });
  });
});

describe("a backup that was stopped", () => {
  const entries: ScriptedEntry[] = Array.from({ length: 30 }, (_each, number) => ({
    path: `${number}`,
    content: noise(`${number}`, 30_000),
  }));

  it("at any put leaves packs that the next one takes over, so that it stores only what is missing", async () => {
    const sizes: number[] = [];
    const measured = await newStore();
    const whole = await backupSmall(measured, [scriptedSource({ entries })]);
    for (const stopAt of [1, 4, 8, 12, 14]) {
      const inner = await newStore();
      const journal = new MemoryJournal();
      const controller = new AbortController();
      let puts = 0;
      const store = faultyStore(inner, {
        fault({ verb }) {
          if (verb === "put" && ++puts === stopAt) controller.abort();
          return undefined;
        },
      });
      const first = await backupSmall(store, [scriptedSource({ entries })], {
        journal: journal.open(),
        signal: controller.signal,
      }).catch((error: unknown) => error);
      if (!(first instanceof HoldfastError)) {
        expect(puts, "only the very last put may come too late to be stopped").toBeGreaterThan(stopAt - 2);
        continue;
      }
      expect(first.kind).toBe("interrupted");
      const stored = journal.records.length;
      expect(stored).toBeGreaterThan(0);
      const { reporter, errors } = collectingReporter();
      const second = await backupSmall(inner, [scriptedSource({ entries })], { journal: journal.open(), reporter });
      expect(errors).toEqual([]);
      expect(second.adoptedPacks).toBeGreaterThan(0);
      expect(second.adoptedPacks).toBeLessThanOrEqual(stored);
      expect(second.storedBytes).toBeLessThan(whole.storedBytes);
      sizes.push(second.storedBytes);
      expect(journal.records).toEqual([]);
      const read = await readWhole(await openSmall(inner));
      for (const { path, content } of entries) expect(read.get(`/scripted/${path}`)).toBe(wholeFile(content ?? ""));
      const report = await checkSmall(inner);
      expect(report.errors).toEqual([]);
    }
    expect(sizes.length).toBeGreaterThan(2);
    // The later it was stopped, the less was left to do.
    expect(sizes.at(-1)).toBeLessThan((sizes[0] ?? 0) / 3);
  });

  it("leaves a journal of which packs that are gone, damaged or not whole are passed over", async () => {
    const inner = await newStore();
    const journal = new MemoryJournal();
    const dying = faultyStore(inner, {
      fault: ({ key, verb }) => (verb === "put" && key.startsWith("states/") ? { when: "before" } : undefined),
    });
    await expect(backupSmall(dying, [scriptedSource({ entries })], { journal: journal.open() })).rejects.toMatchObject({
      kind: "unavailable",
    });
    const keys: string[] = [];
    for await (const { key } of inner.list("packs/")) keys.push(key);
    expect(keys.length).toBeGreaterThan(6);
    const damaged = memoryStore();
    for await (const { key } of inner.list("")) {
      const bytes = await inner.get(key);
      if (key === keys[0]) continue;
      if (key === keys[1]) await damaged.put(key, [bytes.subarray(0, -1)]);
      else if (key === keys[2])
        await damaged.put(key, [bytes.with(bytes.byteLength - 60, 0xff ^ (bytes.at(-60) ?? 0))]);
      else if (key === keys[3]) await damaged.put(key, [bytes.with(3, 0)]);
      else await damaged.put(key, [bytes]);
    }
    const report = await backupSmall(damaged, [scriptedSource({ entries })], { journal: journal.open() });
    expect(report.adoptedPacks).toBe(keys.length - 4);
    const read = await readWhole(await openSmall(damaged));
    for (const { path, content } of entries) expect(read.get(`/scripted/${path}`)).toBe(wholeFile(content ?? ""));
    expect((await checkSmall(damaged)).errors).toEqual([]);
  });
});
