import type { Importer, ScanRecord } from "#shared/connectors/importer.ts";
import { chunkRowBytes, type Entry, entryTypes, listRowBytes } from "#shared/format/entry.ts";
import { isHoldfastError } from "#shared/errors.ts";
import { decodeChunkList } from "#shared/format/chunk-list.ts";
import type { TreeRoot } from "#shared/format/snapshot.ts";
import type { BlobReader } from "#shared/repository/blob-reader.ts";
import type { ReadNode } from "#shared/tree/read-tree.ts";
import { TreeBuilder } from "#shared/tree/tree-builder.ts";
import { entryOfRecord, isUnchanged } from "./entry-of-record.ts";
import { EntryQueue } from "./entry-queue.ts";
import type { BackupRun } from "./backup-run.ts";
import { HardLinks } from "./hard-links.ts";
import { PreviousTree } from "./previous-tree.ts";

/** Entries that may wait for their turn in the tree. */
const queueMax = 2048;

/** Backs one source up: scan and previous tree side by side, content by threads, entries in order into a new tree. */
export async function backupSource(
  run: BackupRun,
  importer: Importer,
  previous: { readonly root: TreeRoot; readonly readNode: ReadNode; readonly reader: BlobReader } | undefined,
): Promise<TreeRoot> {
  const source = new SourceBackup(run, importer, previous?.root, previous?.readNode, previous?.reader);
  return source.run();
}

class SourceBackup {
  readonly #run: BackupRun;
  readonly #importer: Importer;
  readonly #previous: PreviousTree;
  readonly #reader: BlobReader | undefined;
  readonly #builder: TreeBuilder;
  readonly #queue: EntryQueue;
  readonly #links = new HardLinks();
  /** Entries of the previous leaf at hand that were found unchanged from its first on. */
  #held: Entry[] = [];

  constructor(
    run: BackupRun,
    importer: Importer,
    root: TreeRoot | undefined,
    readNode: ReadNode | undefined,
    reader: BlobReader | undefined,
  ) {
    this.#run = run;
    this.#importer = importer;
    this.#previous = new PreviousTree(root, readNode ?? (() => Promise.reject(new Error("there is no previous tree"))));
    this.#reader = reader;
    this.#builder = new TreeBuilder(run.session.writeNode);
    this.#queue = new EntryQueue(this.#builder);
  }

  async run(): Promise<TreeRoot> {
    const run = this.#run;
    for await (const batch of this.#importer.scan((problem) => run.addError(problem))) {
      for (const record of batch) {
        while (this.#previous.needsLeaf) await this.#nextLeaf();
        let entry = this.#previous.seek(record.dir, record.name);
        while (entry === undefined && this.#previous.needsLeaf) {
          await this.#nextLeaf();
          entry = this.#previous.seek(record.dir, record.name);
        }
        if (
          entry !== undefined &&
          isUnchanged(entry, record) &&
          this.#areStored(entry.chunks) &&
          (entry.lists === undefined || (await this.#hasLists(entry.lists)))
        ) {
          this.#reuse(entry, record);
        } else {
          this.#previous.breakLeaf();
          this.#releaseHeld();
          this.#addNew(record);
        }
        run.progress.entriesDone++;
        if (this.#queue.length > queueMax || run.mustWait) await this.#makeRoom(record.path);
      }
      run.checkStopped();
      this.#queue.drain();
    }
    this.#releaseHeld();
    run.sendBatch();
    this.#queue.drain();
    while (this.#queue.length > 0) {
      await run.wait();
      this.#queue.drain();
    }
    return this.#builder.finish();
  }

  async #makeRoom(path: string): Promise<void> {
    this.#run.progress.currentPath = path;
    this.#releaseHeld();
    while (this.#queue.length > queueMax || this.#run.mustWait) {
      await this.#run.wait();
      this.#queue.drain();
    }
  }

  async #nextLeaf(): Promise<void> {
    this.#releaseHeld();
    try {
      await this.#previous.nextLeaf();
    } catch (error) {
      if (!isHoldfastError(error, "corrupt", "incompatible")) throw error;
      this.#previous.stop();
      this.#run.session.distrustNodes();
      this.#run.warn(`The previous snapshot cannot be read further, so files are read again: ${error.message}`);
    }
  }

  /** Takes an entry of the previous tree as it is. */
  #reuse(entry: Entry, record: ScanRecord): void {
    const { progress } = this.#run;
    progress.bytesDone += record.size;
    progress.bytesReused += entry.size;
    this.#run.counts.unchanged++;
    if (!this.#previous.whole) {
      this.#releaseHeld();
      this.#queue.add(entry, true);
      return;
    }
    this.#held.push(entry);
    const leaf = this.#previous.finishedLeaf;
    if (leaf !== undefined) {
      this.#run.markNode(leaf.nodeId);
      this.#queue.addLeaf(leaf, this.#held);
      this.#held = [];
    }
  }

  #releaseHeld(): void {
    for (const entry of this.#held) this.#queue.add(entry, true);
    this.#held = [];
  }

  #addNew(record: ScanRecord): void {
    const entry = entryOfRecord(record);
    if (!Number.isSafeInteger(entry.size)) {
      entry.size = 0;
      entry.error = "The file is larger than the format holds.";
      this.#run.addError({ path: record.path, kind: "size", message: entry.error });
      this.#queue.add(entry, true);
      return;
    }
    if (record.type !== entryTypes.file || record.size === 0) {
      const details = this.#importer.describe(record);
      entry.target = details.target;
      entry.xattrs = details.xattrs;
      entry.flags = details.flags;
      for (const message of details.problems) this.#run.addError({ path: record.path, kind: "metadata", message });
      this.#queue.add(entry, true);
      this.#run.counts.changed++;
      return;
    }
    if (record.nlink > 1 && this.#links.follow(record, this.#queue, entry)) return;
    const item = this.#queue.add(entry, false);
    const link = record.nlink > 1 ? this.#links.lead(record, entry) : undefined;
    this.#run.readContent(item, record, () => link?.complete());
  }

  /** Whether all chunks of rows are where the index says; marks their segments as needed. */
  #areStored(rows: Uint8Array): boolean {
    for (let at = 0; at < rows.byteLength; at += chunkRowBytes) {
      if (!this.#run.markChunk(rows, at)) return false;
    }
    return true;
  }

  /** Whether the chunk lists of an unchanged file can be read and their chunks are stored; marks their segments as needed. */
  async #hasLists(lists: Uint8Array): Promise<boolean> {
    if (this.#reader === undefined) return false;
    try {
      for (let at = 0; at < lists.byteLength; at += listRowBytes) {
        const id = lists.subarray(at, at + 32);
        const rows = decodeChunkList(await this.#reader.readNode(id), "a chunk list");
        if (!this.#run.markChunk(id, 0) || !this.#areStored(rows)) return false;
      }
      return true;
    } catch (error) {
      if (!isHoldfastError(error, "corrupt", "incompatible")) throw error;
      this.#run.session.distrustNodes();
      this.#run.warn(
        `The previous snapshot's list of the chunks of a file cannot be read, so the file is read again: ${error.message}`,
      );
      return false;
    }
  }
}
