import { createHash } from "node:crypto";
import type * as threads from "node:worker_threads";
import { beforeAll, describe, expect, it, vi } from "vitest";
import { isHoldfastError } from "#shared/errors.ts";
import { entryTypes } from "#shared/format/entry.ts";
import { decodePackTrailer, packHeaderBytes, packTrailerBytes } from "#shared/format/pack.ts";
import type { Repository } from "#shared/repository/repository.ts";
import { readContent } from "#shared/snapshot/read-content.ts";
import { liveRecords, readSnapshot } from "#shared/snapshot/read-snapshot.ts";
import { SnapshotTree } from "#shared/snapshot/snapshot-tree.ts";
import { memoryStore } from "#shared/store/memory-store.ts";
import type { Store } from "#shared/store/store.ts";
import { type ScriptedEntry, scriptedFiles } from "./backup/scripted-source.testing.ts";
import { checkSmall, fill, isSound, noise, objectsOf, openSmall, storeOfBackups } from "./small-store.testing.ts";

// Thousands of checks are made here.
vi.mock("node:worker_threads", async (importActual) => {
  const { checksInProcess } = await import("./threads-in-process.testing.ts");
  return checksInProcess(await importActual<typeof threads>());
});

const trees: readonly (readonly ScriptedEntry[])[] = [
  [
    { path: "a", content: "a file of the first snapshot" },
    { path: "d/b", content: noise("b", 300) },
    { path: "d/link", type: entryTypes.symlink, target: "../a" },
  ],
  [
    { path: "a", content: "a file of the first snapshot" },
    { path: "d/b", content: noise("b changed", 200), mtimeSec: 2_000_000 },
    { path: "e", content: "new in the second", mtimeSec: 2_000_000 },
  ],
];

let objects: Map<string, Uint8Array>;
beforeAll(async () => {
  objects = await objectsOf(await storeOfBackups(...trees));
});

/** A store with one object replaced, or without it. */
function storeWith(key: string, bytes: Uint8Array | undefined): Promise<Store> {
  const changed = new Map(objects);
  if (bytes === undefined) changed.delete(key);
  else changed.set(key, bytes);
  return fill(memoryStore(), changed);
}

const keysLike = (pattern: RegExp): string[] => [...objects.keys()].filter((key) => pattern.test(key));
const bytesOf = (key: string): Uint8Array => objects.get(key) ?? expect.fail(`no ${key}`);

function flipped(bytes: Uint8Array, at: number): Uint8Array {
  const copy = bytes.slice();
  copy[at] = (copy[at] ?? 0) ^ (1 << (at & 7));
  return copy;
}

const isDamage = (error: unknown): boolean => isHoldfastError(error, "corrupt", "incompatible");

/** What could be read of a snapshot. */
type Reading = {
  /** Files that were read, with a hash of what came. */
  readonly files: Map<string, string>;
  /** Files that were refused. */
  readonly refused: string[];
  /** Whether the whole tree was walked. */
  readonly walked: boolean;
};

/** Reads all that can be read of a snapshot; anything but damage is thrown. */
async function readAll(repository: Repository, index: number): Promise<Reading> {
  const files = new Map<string, string>();
  const refused: string[] = [];
  const record = liveRecords(repository)[index];
  if (record === undefined) return expect.fail("a snapshot is not in the log any more");
  try {
    const reader = await repository.blobReader();
    const tree = new SnapshotTree(await readSnapshot(repository, record), reader);
    for await (const { path, entry } of tree.below(await tree.find("/scripted"))) {
      if (entry.type !== entryTypes.file) continue;
      try {
        const hash = createHash("sha256");
        for await (const part of readContent(entry, reader)) hash.update(part);
        files.set(path, hash.digest("hex"));
      } catch (error) {
        if (!isDamage(error)) throw error;
        refused.push(path);
      }
    }
  } catch (error) {
    if (!isDamage(error)) throw error;
    return { files, refused, walked: false };
  }
  return { files, refused, walked: true };
}

/** Fails unless all that was read of both snapshots is right. @returns how many files of both could be read */
async function expectNothingWrong(repository: Repository, what: string): Promise<number> {
  let read = 0;
  for (const [number, entries] of trees.entries()) {
    const reading = await readAll(repository, trees.length - 1 - number);
    const wanted = scriptedFiles(entries);
    for (const [path, hash] of reading.files) {
      const content = wanted.get(path.slice("/scripted/".length));
      if (content === undefined || createHash("sha256").update(content).digest("hex") !== hash)
        expect.fail(`${what}: ${path} is wrong`);
    }
    const told = reading.files.size + reading.refused.length;
    if (reading.walked && told !== wanted.size) expect.fail(`${what}: ${told} files instead of ${wanted.size}`);
    read += reading.files.size;
  }
  return read;
}

/** Fails unless a check names the object, and of files those that reading refuses and no others. */
async function expectCheckNames(store: Store, key: string, what: string): Promise<void> {
  const report = await checkSmall(store);
  if (!report.damagedObjects.includes(key))
    expect.fail(`${what}: check names ${JSON.stringify(report.damagedObjects)}`);
  let isWhole = true;
  for (const index of trees.keys()) {
    const repository = await openSmall(store);
    const reading = await readAll(repository, index);
    if (!reading.walked || reading.refused.length > 0) isWhole = false;
    const prefix = `${liveRecords(repository)[index]?.stateId.slice(0, 8)}:`;
    const named = report.errors.flatMap(({ path }) => (path.startsWith(prefix) ? [path.slice(prefix.length)] : []));
    for (const path of reading.refused) if (!named.includes(path)) expect.fail(`${what}: check does not name ${path}`);
    for (const path of reading.files.keys())
      if (named.includes(path)) expect.fail(`${what}: check names ${path}, which can be read`);
  }
  const told = report.damagedFiles > 0 || report.damagedObjects.some((each) => each.startsWith("states/"));
  if (!isWhole && !told) expect.fail(`${what}: check tells of no file`);
}

const files = trees.reduce((sum, entries) => sum + scriptedFiles(entries).size, 0);

describe("a store of which nothing is damaged", () => {
  it("is found sound, and all of it is read", async () => {
    const store = await fill(memoryStore(), objects);
    expect(isSound(await checkSmall(store))).toBe(true);
    expect(await expectNothingWrong(await openSmall(store), "undamaged")).toBe(files);
  });
});

describe("any byte that changed", () => {
  it("of the config or of a log entry keeps the store from being opened, naming the object", async () => {
    for (const key of keysLike(/^(config|log\/)/)) {
      const bytes = bytesOf(key);
      for (let at = 0; at < bytes.byteLength; at++) {
        const store = await storeWith(key, flipped(bytes, at));
        try {
          await openSmall(store);
        } catch (error) {
          if (!isDamage(error)) throw error;
          if (!(error as Error).message.includes(key === "config" ? "config" : key))
            expect.fail(`byte ${at} of ${key}: ${(error as Error).message}`);
          continue;
        }
        expect.fail(`byte ${at} of ${key} is not noticed`);
      }
    }
  });

  it("of a state is told, hides that snapshot alone, and never gives wrong content", async () => {
    for (const [index, key] of keysLike(/^states\//).entries()) {
      const bytes = bytesOf(key);
      for (let at = 0; at < bytes.byteLength; at++) {
        const what = `byte ${at} of ${key}`;
        const store = await storeWith(key, flipped(bytes, at));
        const repository = await openSmall(store);
        await expectNothingWrong(repository, what);
        expect(
          repository.problems.map((each) => `states/${each.stateId.slice(0, 2)}/${each.stateId}`),
          what,
        ).toEqual([key]);
        if (at % 16 === index) await expectCheckNames(store, key, what);
      }
    }
  });

  it("of a pack is told, and never gives wrong content", async () => {
    for (const [index, key] of keysLike(/^packs\//).entries()) {
      const bytes = bytesOf(key);
      const { directoriesOffset } = decodePackTrailer(bytes.slice(-packTrailerBytes), bytes.byteLength, key);
      for (let at = 0; at < bytes.byteLength; at++) {
        // Of what is sealed every third byte is as good as any other; of the rest each is tried.
        if (at > packHeaderBytes && at < directoriesOffset && at % 3 !== 0) continue;
        const what = `byte ${at} of ${key}`;
        const store = await storeWith(key, flipped(bytes, at));
        const read = await expectNothingWrong(await openSmall(store), what);
        // Restoring needs neither header nor trailer.
        if (at < packHeaderBytes || at >= bytes.byteLength - packTrailerBytes) expect(read, what).toBe(files);
        if (at % 8 === index) await expectCheckNames(store, key, what);
      }
    }
  });
});

/** An object that is not as it was, as a whole. */
const wounds: Readonly<Record<string, (key: string) => Promise<Store> | undefined>> = {
  "is missing": (key) => storeWith(key, undefined),
  "is empty": (key) => storeWith(key, new Uint8Array(0)),
  "lacks its last byte": (key) => storeWith(key, bytesOf(key).slice(0, -1)),
  "is cut in the middle": (key) => storeWith(key, bytesOf(key).slice(0, bytesOf(key).byteLength >> 1)),
  "has a byte too many": (key) => storeWith(key, Buffer.concat([bytesOf(key), new Uint8Array(1)])),
  "is its neighbour": (key) => {
    const neighbour = keysLike(new RegExp(`^${key.split("/")[0] ?? ""}/`)).find((each) => each !== key);
    return neighbour === undefined ? undefined : storeWith(key, bytesOf(neighbour));
  },
};

describe.each(Object.entries(wounds))("an object that %s", (_name, wound) => {
  it("is told when it is the config", async () => {
    const store = await wound("config");
    if (store === undefined) return;
    await expect(openSmall(store)).rejects.toSatisfy((error) =>
      isHoldfastError(error, "corrupt", "incompatible", "absent"),
    );
  });

  it("is told when it is a log entry, unless it is the last and missing", async () => {
    for (const [index, key] of keysLike(/^log\//).entries()) {
      const store = await wound(key);
      if (store === undefined) continue;
      const isOlderLog = index === 1 && _name === "is missing";
      const opened = await openSmall(store).catch((error: unknown) => error);
      if (!isOlderLog) expect(opened, key).toSatisfy(isDamage);
      else {
        // Whoever saw the newer log notices; others see the store as it was.
        const whole = await openSmall(await fill(memoryStore(), objects));
        await expect(
          openSmall(store, undefined, { seq: whole.log.seq, sha256: whole.log.lastSha256 }),
        ).rejects.toSatisfy(isDamage);
      }
    }
  });

  it("is told when it is a state, and hides that snapshot alone", async () => {
    for (const key of keysLike(/^states\//)) {
      const store = await wound(key);
      if (store === undefined) continue;
      const read = await expectNothingWrong(await openSmall(store), key);
      const report = await checkSmall(store);
      // Bytes behind a state are nothing that anybody reads.
      if (_name === "has a byte too many") expect(read).toBe(files);
      else expect(report.damagedObjects).toEqual([key]);
    }
  });

  it("is told when it is a pack, and never gives wrong content", async () => {
    for (const key of keysLike(/^packs\//)) {
      const store = await wound(key);
      if (store === undefined) continue;
      await expectNothingWrong(await openSmall(store), key);
      await expectCheckNames(store, key, key);
      // Without reading packs, their sizes already tell.
      const { damagedObjects } = await checkSmall(store, 0);
      if (_name !== "is its neighbour") expect(damagedObjects).toEqual([key]);
    }
  });
});

describe("objects that belong elsewhere", () => {
  it("two of one kind that changed places are both told", async () => {
    for (const [kind, damaged] of [
      ["states", 2],
      ["packs", 2],
    ] as const) {
      const [left = "", right = ""] = keysLike(new RegExp(`^${kind}/`));
      const swapped = new Map(objects).set(left, bytesOf(right)).set(right, bytesOf(left));
      const store = await fill(memoryStore(), swapped);
      await expectNothingWrong(await openSmall(store), kind);
      expect((await checkSmall(store)).damagedObjects.filter((key) => key === left || key === right)).toHaveLength(
        damaged,
      );
    }
    const [first = "", second = ""] = keysLike(/^log\//);
    const store = await fill(memoryStore(), new Map(objects).set(first, bytesOf(second)).set(second, bytesOf(first)));
    await expect(openSmall(store)).rejects.toSatisfy(isDamage);
  });
});
