import { describe, expect, it } from "vitest";
import type { Importer } from "#shared/connectors/importer.ts";
import type { PackId } from "#shared/format/ids.ts";
import { seededNumbers } from "#shared/seeded-numbers.ts";
import { liveRecords, readSnapshot } from "#shared/snapshot/read-snapshot.ts";
import { memoryStore } from "#shared/store/memory-store.ts";
import { packKey } from "#shared/store/object-key.ts";
import type { Store } from "#shared/store/store.ts";
import {
  backupSmall,
  checkSmall,
  collectingReporter,
  createSmall,
  isSound,
  openSmall,
  readWhole,
} from "#shared/operations/small-store.testing.ts";
import { blockedSource } from "./blocked-source.testing.ts";
import { decodeKnownLeaves, encodeKnownLeaves, type KnownLeaves } from "./known-leaves.ts";
import { type ScriptedEntry, scriptedSource } from "./scripted-source.testing.ts";
import type { TreeMemory } from "./tree-memory.ts";

/** Remembers as a host does: as bytes. */
class BytesMemory implements TreeMemory {
  bytes = new Map<string, Uint8Array>();
  readonly #recalled = new Map<Uint8Array, KnownLeaves | undefined>();

  recall(root: string): KnownLeaves | undefined {
    const bytes = this.bytes.get(root);
    if (bytes === undefined) return undefined;
    if (!this.#recalled.has(bytes)) this.#recalled.set(bytes, decodeKnownLeaves(bytes));
    return this.#recalled.get(bytes);
  }

  remember(root: string, leaves: KnownLeaves): void {
    this.bytes.set(root, encodeKnownLeaves(leaves));
  }
}

/** Whole numbers below what is asked for, by a seed. */
function randomOf(seed: number): (below: number) => number {
  const next = seededNumbers(seed);
  return (below) => (next() * 2 ** 32) % below;
}

type Files = Map<string, { readonly mtimeSec: number; readonly content: string }>;

function entriesOf(files: Files): ScriptedEntry[] {
  return [...files].map(([path, { mtimeSec, content }]) => ({ path, mtimeSec, content, inode: 7 }));
}

function manyFiles(count: number): Files {
  const files: Files = new Map();
  for (let number = 0; number < count; number++) {
    const path = `d${number % 7}/e${number % 3}/${number}`;
    files.set(path, { mtimeSec: 1_000_000, content: number % 40 === 0 ? `content ${number}` : "" });
  }
  return files;
}

function change(files: Files, random: (below: number) => number): void {
  const paths = [...files.keys()];
  for (let changes = random(6); changes > 0; changes--) {
    const path = paths[random(paths.length)] ?? "";
    const now = { mtimeSec: 1_000_000 + random(1000), content: random(4) === 0 ? `changed ${random(1000)}` : "" };
    if (random(3) === 0) files.delete(path);
    else if (random(2) === 0) files.set(path, now);
    else files.set(`${path}${random(10)}`, now);
  }
  // A directory that comes or goes.
  if (random(3) === 0) for (const path of paths) if (path.startsWith(`d${random(9)}/e1/`)) files.delete(path);
  if (random(4) === 0)
    for (let number = random(900); number > 0; number--)
      files.set(`d${random(8)}/n/${number}`, { mtimeSec: 5, content: "" });
}

/** What the newest snapshot is: its tree, and the rows of packs that it refers to. */
async function newest(store: Store) {
  const repository = await openSmall(store);
  const [record] = liveRecords(repository);
  if (record === undefined) return expect.fail("no snapshot");
  const { header } = await readSnapshot(repository, record);
  const head = await repository.head(record.stateId);
  const rows = head.references.flatMap(({ packId, segments }) =>
    Array.from({ length: segments.byteLength * 8 }, (_each, row) => row)
      .filter((row) => ((segments[row >>> 3] ?? 0) & (1 << (row & 7))) !== 0)
      .map((row) => `${packId} ${row}`),
  );
  return {
    tree: header.sources[0]?.tree,
    rows,
    packs: new Set<string>(head.packs.map((pack) => pack.packId)),
    nodes: head.packs.filter((pack) => pack.kind === "meta").map((pack) => packKey(pack.packId)),
  };
}

/** Backs up by what is remembered, then entry by entry, and expects the same of both. */
async function expectSame(store: Store, memory: TreeMemory, entries: readonly ScriptedEntry[]) {
  const source = blockedSource(scriptedSource({ entries }));
  const report = await backupSmall(store, [source], { memory });
  const quick = await newest(store);
  const remembered = memory.recall(source.root);
  expect(remembered?.root).toBe(quick.tree?.nodeId);
  const slow = await backupSmall(store, [scriptedSource({ entries })]);
  const twin = await newest(store);
  expect(quick.tree).toEqual(twin.tree);
  const missed = twin.rows.filter((row) => !quick.rows.includes(row) && !twin.packs.has(row.slice(0, 64)));
  expect(missed).toEqual([]);
  const extra = quick.rows.filter((row) => !twin.rows.includes(row) && !quick.packs.has(row.slice(0, 64)));
  expect(extra).toEqual([]);
  expect(slow.unchanged).toBe(slow.entries);
  return { report, left: source.left };
}

/** A store that gives other bytes of some objects than it has. */
function withDamage(store: Store, isDamaged: (key: string, offsetBytes: number) => boolean): Store {
  return {
    ...store,
    async get(key, range) {
      const bytes = await store.get(key, range);
      return isDamaged(key, range?.offsetBytes ?? 0) ? bytes.map((byte) => byte ^ 0x55) : bytes;
    },
  };
}

async function newStore(): Promise<Store> {
  const store = memoryStore();
  await createSmall(store);
  return store;
}

const seed = Number(process.env["HOLDFAST_TEST_SEED"] ?? Date.now() % 2 ** 31);

describe("a backup that remembers leaves", () => {
  it(
    `makes the very tree, with the very references, that one entry by entry makes (seed ${seed})`,
    { timeout: 120_000 },
    async () => {
      const random = randomOf(seed);
      const store = await newStore();
      const memory = new BytesMemory();
      const files = manyFiles(1500);
      for (let round = 0; round < 5; round++) {
        const { report } = await expectSame(store, memory, entriesOf(files));
        expect(report.unchanged + report.changed).toBe(report.entries);
        if (round < 4) change(files, random);
      }
      const { left } = await expectSame(store, memory, entriesOf(files));
      expect(left.records).toBeGreaterThan(500);
      expect(isSound(await checkSmall(store))).toBe(true);
    },
  );

  it("looks at no record of an unchanged tree, and reads neither a node nor the index", async () => {
    const store = await newStore();
    const memory = new BytesMemory();
    const entries = entriesOf(manyFiles(1500));
    await backupSmall(store, [blockedSource(scriptedSource({ entries }))], { memory });
    const before = memory.bytes.get("/scripted");
    const source = blockedSource(scriptedSource({ entries }));
    const read: string[] = [];
    const watched: Store = {
      ...store,
      get: (key, ...rest) => {
        if (key.startsWith("packs/") || (key.startsWith("states/") && rest[0]?.offsetBytes !== 0)) read.push(key);
        return store.get(key, ...rest);
      },
    };
    const report = await backupSmall(watched, [source], { memory });
    expect(source.left.records).toBe(report.entries);
    expect(report).toMatchObject({ unchanged: report.entries, changed: 0 });
    expect(read).toEqual([]);
    expect(memory.bytes.get("/scripted")).toBe(before);
  });

  it("notes in the journal what the next run may take over: not the copy of a header alone", async () => {
    const store = await newStore();
    const files = manyFiles(600);
    const added: number[] = [];
    for (const change of ["first", "none", "one"]) {
      if (change === "one") files.set("d1/e1/more", { mtimeSec: 7, content: "more" });
      let count = 0;
      const journal = { left: [], add: () => void count++, clear: () => undefined, close: () => undefined };
      await backupSmall(store, [blockedSource(scriptedSource({ entries: entriesOf(files) }))], { journal });
      added.push(count);
    }
    expect(added).toEqual([2, 0, 2]);
  });

  it("stores no node of an unchanged tree again", async () => {
    const store = await newStore();
    const memory = new BytesMemory();
    const entries = entriesOf(manyFiles(1500));
    const blobs: number[] = [];
    for (let run = 0; run < 3; run++) {
      await backupSmall(store, [blockedSource(scriptedSource({ entries }))], { memory });
      const repository = await openSmall(store);
      await repository.loadIndex();
      blobs.push(repository.index.count);
    }
    const [first = 0] = blobs;
    expect(memory.recall("/scripted")?.inner).not.toEqual([]);
    // Each has the copy of its header.
    expect(blobs).toEqual([first, first + 1, first + 2]);
  });

  it("goes on without what it remembers where a node that it needs is damaged", async () => {
    const store = await newStore();
    const memory = new BytesMemory();
    const files = manyFiles(1500);
    await backupSmall(store, [blockedSource(scriptedSource({ entries: entriesOf(files) }))], { memory });
    const first = await newest(store);
    const damaged = withDamage(store, (key) => first.nodes.some((each) => each === key));
    const whole = blockedSource(scriptedSource({ entries: entriesOf(files) }));
    let taken = 0;
    // Without the entry that ends its first block: the leaf goes on into the next, which has to be taken apart.
    const source: Importer = {
      ...whole,
      async *scanBlocks(onProblem, known) {
        let number = 0;
        for await (const batch of whole.scanBlocks?.(onProblem, undefined) ?? [])
          for (const block of batch) {
            if (!("records" in block)) return expect.fail("all are told of");
            const { records, digest } = block;
            if (number === 0) yield [{ records: [...records].slice(0, -1), digest: digest.map((byte) => byte ^ 1) }];
            else if (known === undefined) yield [block];
            else yield [{ known: (taken++, number) }];
            number++;
          }
      },
    };
    const { reporter, notices } = collectingReporter();
    const report = await backupSmall(damaged, [source], { memory, reporter });
    expect(notices.map(({ message }) => message).join()).toContain("does not hold");
    expect(taken).toBeGreaterThan(0);
    expect(report).toMatchObject({ errorCount: 0, entries: (first.tree?.entries ?? 0) - 1 });
    expect((await readWhole(await openSmall(damaged))).size).toBe(report.entries - 1);
  });

  it("goes on without what it remembers where the index of a state cannot be read", async () => {
    const store = await newStore();
    const memory = new BytesMemory();
    const files = manyFiles(1500);
    await backupSmall(store, [blockedSource(scriptedSource({ entries: entriesOf(files) }))], { memory });
    const first = await newest(store);
    const [record] = liveRecords(await openSmall(store));
    const damaged = withDamage(
      store,
      (key, offsetBytes) => key.endsWith(record?.stateId ?? "none") && offsetBytes === record?.headBytes,
    );
    files.set("d6/e2/new", { mtimeSec: 5, content: "new" });
    const source = blockedSource(scriptedSource({ entries: entriesOf(files) }));
    const { reporter, notices } = collectingReporter();
    await backupSmall(damaged, [source], { memory, reporter });
    expect(notices.map(({ message }) => message).join()).toContain("does not hold");
    expect(source.left.blocks).toBeGreaterThan(0);
    const second = await newest(store);
    expect(second.rows.filter((row) => first.packs.has(row.slice(0, 64)))).toEqual([]);
  });

  it("stores again what lies in a pack that is gone", async () => {
    const store = await newStore();
    const memory = new BytesMemory();
    const files = manyFiles(1500);
    await backupSmall(store, [blockedSource(scriptedSource({ entries: entriesOf(files) }))], { memory });
    const first = await newest(store);
    for (const packId of first.packs) await store.delete(packKey(packId as PackId));
    const source = blockedSource(scriptedSource({ entries: entriesOf(files) }));
    await backupSmall(store, [source], { memory });
    expect(source.left.blocks).toBe(0);
    const second = await newest(store);
    expect(second.tree).toEqual(first.tree);
    expect(second.rows.filter((row) => first.packs.has(row.slice(0, 64)))).toEqual([]);
  });

  it("goes by nothing that it remembers of another tree or another store", async () => {
    const memory = new BytesMemory();
    const entries = entriesOf(manyFiles(600));
    const store = await newStore();
    await backupSmall(store, [blockedSource(scriptedSource({ entries }))], { memory });
    const kept = memory.bytes.get("/scripted");
    await backupSmall(store, [scriptedSource({ entries: entries.slice(1) })]);
    const later = blockedSource(scriptedSource({ entries }));
    await backupSmall(store, [later], { memory });
    expect(later.left.blocks).toBe(0);
    const other = await newStore();
    await backupSmall(other, [scriptedSource({ entries })]);
    if (kept !== undefined) memory.bytes.set("/scripted", kept);
    const elsewhere = blockedSource(scriptedSource({ entries }));
    await backupSmall(other, [elsewhere], { memory });
    expect(elsewhere.left.blocks).toBe(0);
  });

  it("goes through all of the tree again after a day, and then not for another", async () => {
    const store = await newStore();
    const memory = new BytesMemory();
    const entries = entriesOf(manyFiles(600));
    await backupSmall(store, [blockedSource(scriptedSource({ entries }))], { memory });
    const known = memory.recall("/scripted");
    if (known === undefined) return expect.fail("nothing is remembered");
    memory.remember("/scripted", { ...known, comparedMs: known.comparedMs - 25 * 60 * 60 * 1000 });
    const left: number[] = [];
    for (let run = 0; run < 2; run++) {
      const source = blockedSource(scriptedSource({ entries }));
      await backupSmall(store, [source], { memory });
      left.push(source.left.records);
    }
    expect(left).toEqual([0, 600 + 29]);
  });

  it("does not remember what it could not read, or what changed while it was read", async () => {
    const memory = new BytesMemory();
    const store = await newStore();
    const files = entriesOf(manyFiles(600));
    const odd = [
      { path: "d0/e0/failing", content: "x", fails: "open" as const },
      { path: "d1/e0/changing", content: "y", changes: true },
    ];
    const backUp = async (): Promise<ReturnType<typeof blockedSource> & Importer> => {
      const source = blockedSource(scriptedSource({ entries: [...files, ...odd] }));
      const report = await backupSmall(store, [source], { memory });
      expect(report).toMatchObject({ errorCount: 1, changedWhileRead: 1 });
      return source;
    };
    await backUp();
    expect((await backUp()).left.blocks).toBeGreaterThan(0);
  });
});

describe("a file of known leaves", () => {
  const known: KnownLeaves = {
    storeId: "11".repeat(16) as KnownLeaves["storeId"],
    root: "22".repeat(32) as KnownLeaves["root"],
    comparedMs: 1_700_000_000_123,
    packs: ["33".repeat(32) as PackId],
    digests: new Uint8Array(32).fill(5),
    blocks: [
      {
        leaves: [
          { nodeId: new Uint8Array(32).fill(1), lastDir: "a/b", lastName: "\xff", entries: 3, totalBytes: 2 ** 40 },
        ],
        closed: true,
        segments: Uint32Array.of(0, 1),
      },
      { leaves: [], closed: false, segments: new Uint32Array(0) },
    ],
    inner: [{ nodeId: "44".repeat(32) as KnownLeaves["root"], segments: Uint32Array.of(0, 2) }],
  };

  it("is read as it was written", () => {
    expect(decodeKnownLeaves(encodeKnownLeaves(known))).toEqual(known);
  });

  it("is not used when a byte of it is damaged or its end is missing", () => {
    const bytes = encodeKnownLeaves(known);
    for (let at = 0; at < bytes.byteLength; at++) {
      const damaged = bytes.slice();
      damaged[at] = (damaged[at] ?? 0) ^ 1;
      expect(decodeKnownLeaves(damaged)).toBeUndefined();
      expect(decodeKnownLeaves(bytes.slice(0, at))).toBeUndefined();
    }
  });
});
