import { createHash } from "node:crypto";
import type { Clock } from "#shared/clock.ts";
import { createSigner } from "#shared/crypto/signing.ts";
import type { Bundle } from "#shared/crypto/bundle.ts";
import type { Importer } from "#shared/connectors/importer.ts";
import { type Entry, entryPath, entryTypes } from "#shared/format/entry.ts";
import type { Appender } from "#shared/log/append-entry.ts";
import type { LogMark } from "#shared/log/log-state.ts";
import { removeSnapshots } from "#shared/log/remove-snapshots.ts";
import { systemRandom } from "#shared/random.ts";
import { createRepository, type StoreSettings } from "#shared/repository/create-repository.ts";
import { openBundle, openRepository, readConfig } from "#shared/repository/open-repository.ts";
import type { Repository } from "#shared/repository/repository.ts";
import { liveRecords, readSnapshot } from "#shared/snapshot/read-snapshot.ts";
import { readContent } from "#shared/snapshot/read-content.ts";
import { SnapshotTree } from "#shared/snapshot/snapshot-tree.ts";
import { memoryStore } from "#shared/store/memory-store.ts";
import type { Store } from "#shared/store/store.ts";
import { backup, type BackupReport } from "./backup/backup.ts";
import type { Journal, JournalRecord } from "./backup/journal.ts";
import { type ScriptedEntry, scriptedSource } from "./backup/scripted-source.testing.ts";
import type { TreeMemory } from "./backup/tree-memory.ts";
import { check, type CheckReport } from "./check/check.ts";
import { type EntryError, type Notice, type Reporter, silentReporter } from "./progress.ts";

/** Sizes that make several segments and packs of a few hundred kilobytes. */
export const smallSettings: StoreSettings = {
  chunkMinBytes: 1024,
  chunkAvgBytes: 4096,
  chunkMaxBytes: 16_384,
  segmentBytes: 16_384,
  packBytes: 65_536,
};

/** A clock that never waits. */
export const impatientClock: Clock = {
  nowMs: () => Date.now(),
  sleep: () => new Promise((resolve) => setImmediate(resolve)),
};

const signer = createSigner(new Uint8Array(32).fill(9));

/** Makes a repository that anyone can read. */
export async function createSmall(store: Store, settings: StoreSettings = smallSettings): Promise<void> {
  await createRepository({ store, passphrase: undefined, settings, random: systemRandom, clock: impatientClock });
}

/** Opens a repository; `bundle` only where it is not one that anyone can read, `atLeast` as what was seen of its log before. */
export async function openSmall(store: Store, bundle?: Bundle, atLeast?: LogMark): Promise<Repository> {
  const read = await readConfig(store);
  const given = bundle ?? (await openBundle(store, read, () => Promise.reject(new Error("no secret is needed"))));
  return openRepository({
    store,
    read,
    bundle: given,
    signer,
    clock: impatientClock,
    random: systemRandom,
    ...(atLeast === undefined ? {} : { atLeast }),
  });
}

/** Backs sources up with one thread, straight to the store: without retries. */
export async function backupSmall(
  store: Store,
  importers: readonly Importer[],
  options: {
    readonly journal?: Journal;
    readonly memory?: TreeMemory;
    readonly reporter?: Reporter;
    readonly signal?: AbortSignal;
    readonly force?: boolean;
    readonly threads?: number;
    /** Only where the repository is not one that anyone can read. */
    readonly bundle?: Bundle;
  } = {},
): Promise<BackupReport> {
  return backup({
    repository: await openSmall(store, options.bundle),
    importers,
    host: "small",
    user: "tester",
    name: "default",
    tags: [],
    program: "test",
    force: options.force ?? false,
    threads: options.threads ?? 1,
    uploads: 2,
    reporter: options.reporter ?? silentReporter,
    ...(options.journal === undefined ? {} : { journal: options.journal }),
    ...(options.memory === undefined ? {} : { memory: options.memory }),
    ...(options.signal === undefined ? {} : { signal: options.signal }),
  });
}

/** A store with a backup of each of these trees, one after the other. */
export async function storeOfBackups(...trees: readonly (readonly ScriptedEntry[])[]): Promise<Store> {
  const store = memoryStore();
  await createSmall(store);
  for (const entries of trees) await backupSmall(store, [scriptedSource({ entries })]);
  return store;
}

/** Who appends to the log of a store, as it is now. */
export async function appenderTo(store: Store): Promise<Appender> {
  const { signer: author, clock, random, log } = await openSmall(store);
  return { store, signer: author, clock, random, from: log };
}

/** Removes snapshots, the oldest live ones first. */
export async function removeOldest(store: Store, count = 1): Promise<void> {
  const appender = await appenderTo(store);
  const live = [...appender.from.snapshots.values()].filter((each) => each.removed === undefined);
  const oldest = live.sort((one, other) => one.seq - other.seq).slice(0, count);
  await removeSnapshots(
    appender,
    oldest.map((each) => each.stateId),
  );
}

/** Checks a store, and tells the errors. */
export async function checkSmall(
  store: Store,
  readPercent = 100,
): Promise<CheckReport & { readonly errors: readonly EntryError[] }> {
  const { reporter, errors } = collectingReporter();
  const report = await check({
    repository: await openSmall(store),
    snapshots: undefined,
    readPercent,
    threads: 1,
    reporter,
  });
  return { ...report, errors };
}

/** Whether a check found nothing wrong. */
export function isSound(report: CheckReport): boolean {
  return report.damagedObjects.length + report.condemnedPacks.length + report.damagedFiles + report.unverified === 0;
}

/** A reporter that keeps what it is told. */
export function collectingReporter(): { reporter: Reporter; errors: EntryError[]; notices: Notice[] } {
  const errors: EntryError[] = [];
  const notices: Notice[] = [];
  const reporter: Reporter = {
    ...silentReporter,
    entryError: (error) => errors.push(error),
    notice: (notice) => notices.push(notice),
  };
  return { reporter, errors, notices };
}

/** Ids of the visible snapshots, the newest first. */
export function snapshotIds(repository: Repository): string[] {
  return liveRecords(repository).map((record) => record.stateId);
}

/** What reading a whole snapshot gives: each path, and of files a hash of the content; or the kind of error that met it. */
export async function readWhole(repository: Repository, back = 0): Promise<Map<string, string>> {
  const found = new Map<string, string>();
  const record = liveRecords(repository)[back];
  if (record === undefined) return found;
  const reader = await repository.blobReader();
  const tree = new SnapshotTree(await readSnapshot(repository, record), reader);
  for (const source of tree.snapshot.header.sources) {
    for await (const { path, entry } of tree.below(await tree.find(source.root)))
      found.set(path, await describe(entry));
  }
  return found;

  async function describe(entry: Entry): Promise<string> {
    if (entry.type !== entryTypes.file) return `${entry.type} ${entry.target ?? ""}`;
    if (entry.error !== undefined) return `error ${entry.error}`;
    const hash = createHash("sha256");
    for await (const part of readContent(entry, reader)) hash.update(part);
    return `${entry.size} ${hash.digest("hex")} ${entry.changed ? "changed" : ""}`.trim();
  }
}

/** What `readWhole` gives for each visible snapshot, the newest first. */
export async function wholeContents(store: Store): Promise<Map<string, string>[]> {
  const repository = await openSmall(store);
  const all = [];
  for (const back of snapshotIds(repository).keys()) all.push(await readWhole(repository, back));
  return all;
}

/** What `readWhole` gives for a file of that content. */
export function wholeFile(content: Uint8Array | string): string {
  const bytes = typeof content === "string" ? Buffer.from(content) : content;
  return `${bytes.byteLength} ${createHash("sha256").update(bytes).digest("hex")}`;
}

/** The path of an entry, for messages. */
export const pathOf = (entry: Entry): string => entryPath(entry);

/** A journal in memory that outlives the backup that writes it. */
export class MemoryJournal {
  records: JournalRecord[] = [];

  /** The journal as the next backup sees it. */
  open(): Journal {
    const left = [...this.records];
    return {
      left,
      add: (record) => void this.records.push(record),
      clear: () => void (this.records = []),
      close: () => undefined,
    };
  }
}

/** Bytes that no compressor shrinks and that are the same for the same seed. */
export function noise(seed: string, lengthBytes: number): Buffer {
  const parts: Buffer[] = [];
  for (let at = 0; at < lengthBytes; at += 32) parts.push(createHash("sha256").update(`${seed}/${at}`).digest());
  return Buffer.concat(parts).subarray(0, lengthBytes);
}

/** A copy of all objects of a store. */
export async function objectsOf(store: Store): Promise<Map<string, Uint8Array>> {
  const objects = new Map<string, Uint8Array>();
  for await (const { key } of store.list("")) objects.set(key, await store.get(key));
  return objects;
}

/** Puts objects into an empty store. */
export async function fill(store: Store, objects: ReadonlyMap<string, Uint8Array>): Promise<Store> {
  for (const [key, bytes] of objects) await store.put(key, [bytes]);
  return store;
}
