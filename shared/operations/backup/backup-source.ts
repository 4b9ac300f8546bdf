import type { Importer, ScanBlock, ScanProblem, ScanRecord } from "#shared/connectors/importer.ts";
import { chunkRowBytes, type Entry, entryPath, entryTypes, listRowBytes } from "#shared/format/entry.ts";
import { HoldfastError, isHoldfastError } from "#shared/errors.ts";
import { decodeChunkList } from "#shared/format/chunk-list.ts";
import type { TreeRoot } from "#shared/format/snapshot.ts";
import type { BlobReader } from "#shared/repository/blob-reader.ts";
import type { ReadNode } from "#shared/tree/read-tree.ts";
import { TreeBuilder } from "#shared/tree/tree-builder.ts";
import { clampedTime, entryOfRecord, isUnchanged } from "./entry-of-record.ts";
import { type Doubts, isDoubted, isYoung } from "./doubts.ts";
import { EntryQueue } from "./entry-queue.ts";
import type { BackupRun } from "./backup-run.ts";
import { type Comparison, compareLoosely } from "./comparison.ts";
import { HardLinks } from "./hard-links.ts";
import type { KnownBlock } from "./known-leaves.ts";
import { LeafRecorder, type RecordedTree } from "./leaf-recorder.ts";
import { MissingMounts, unmountedMessage } from "./missing-mounts.ts";
import { PreviousTree } from "./previous-tree.ts";
import { UnusableMemory } from "./unusable-memory.ts";
import type { UsableLeaves } from "./usable-leaves.ts";

/** Entries that may wait for their turn in the tree. */
const queueMax = 2048;

/** The previous snapshot's tree of a source, and how to read it. */
export type PreviousSource = {
  readonly root: TreeRoot;
  readonly readNode: ReadNode;
  readonly reader: BlobReader;
  /** What is known of the tree, and may be relied on. */
  readonly known: UsableLeaves | undefined;
  readonly comparison?: Comparison;
  /** What is read again although it looks unchanged. */
  readonly doubts: Doubts;
};

/** A tree, and what of it may be remembered; undefined where the importer tells of no blocks. */
export type BackedUpSource = {
  readonly tree: TreeRoot;
  readonly recorded: RecordedTree | undefined;
};

/** Backs one source up: scan and previous tree side by side, content by threads, entries in order into a new tree. */
export async function backupSource(
  run: BackupRun,
  importer: Importer,
  previous: PreviousSource | undefined,
): Promise<BackedUpSource> {
  const source = new SourceBackup(run, importer, previous);
  return source.run();
}

/** Stands where no recorder looks. */
const noDigest = new Uint8Array(0);

class SourceBackup {
  readonly #run: BackupRun;
  readonly #importer: Importer;
  readonly #previous: PreviousTree;
  readonly #reader: BlobReader | undefined;
  readonly #readNode: ReadNode;
  readonly #known: UsableLeaves | undefined;
  readonly #recorder: LeafRecorder | undefined;
  readonly #builder: TreeBuilder;
  readonly #queue: EntryQueue;
  readonly #links = new HardLinks();
  readonly #comparison: Comparison | undefined;
  #mounts: MissingMounts | undefined;
  /** Entries of the previous leaf at hand that were found unchanged from its first on. */
  #held: Entry[] = [];

  constructor(run: BackupRun, importer: Importer, previous: PreviousSource | undefined) {
    this.#run = run;
    this.#importer = importer;
    this.#readNode = previous?.readNode ?? (() => Promise.reject(new Error("there is no previous tree")));
    this.#previous = new PreviousTree(previous?.root, this.#readNode);
    this.#reader = previous?.reader;
    this.#known = previous?.known;
    this.#comparison = previous?.comparison;
    this.#doubts = previous?.doubts;
    const { isMountPoint } = importer;
    if (previous !== undefined && isMountPoint !== undefined)
      this.#mounts = new MissingMounts(previous.root, previous.readNode, isMountPoint);
    const recorder =
      importer.scanBlocks === undefined
        ? undefined
        : new LeafRecorder(
            (ids, offset) => run.session.findReferenced(ids, offset),
            (entry) => isYoung(entry, run.young),
          );
    this.#recorder = recorder;
    this.#builder = new TreeBuilder(run.session.writeNode, {
      onLeaf: (leaf) => recorder?.addLeaf(leaf),
      onInner: (nodeId) => recorder?.addInner(nodeId),
    });
    this.#queue = new EntryQueue(this.#builder, recorder);
  }

  async run(): Promise<BackedUpSource> {
    const run = this.#run;
    for await (const batch of this.#scan()) {
      for (const block of batch) {
        if ("known" in block) this.#takeKnown(block.known);
        else {
          await this.#takeRecords(block.records);
          if (this.#recorder !== undefined) {
            this.#releaseHeld();
            this.#queue.endBlock(block.digest);
          }
        }
      }
      run.checkStopped();
      await this.#drain("open");
      // A source that is one file gives no record before which to wait for the packs that it fills.
      if (run.mustWait) await this.#makeRoom(run.progress.currentPath);
    }
    this.#releaseHeld();
    run.sendBatch();
    await run.until(async () => {
      await this.#drain("ended");
      return this.#queue.length === 0;
    });
    const tree = this.#builder.finish();
    return { tree, recorded: this.#recorder?.finish() };
  }

  /** The scan in blocks; of an importer that tells of none all is one. */
  async *#scan(): AsyncGenerator<Iterable<ScanBlock>> {
    const onProblem = (problem: ScanProblem): void => this.#run.addError(problem);
    const inBlocks = this.#importer.scanBlocks?.(onProblem, this.#known?.leaves);
    if (inBlocks !== undefined) yield* inBlocks;
    else {
      for await (const records of this.#importer.scan(onProblem)) yield [{ records, digest: noDigest }];
    }
  }

  /** Takes the leaves of a known block as they are. */
  #takeKnown(number: number): void {
    const known = this.#known;
    const block = known?.leaves.blocks[number];
    if (known === undefined || block === undefined) throw new HoldfastError("internal", `Cannot find block ${number}`);
    const { counts, progress, session } = this.#run;
    for (const { entries, totalBytes } of block.leaves) {
      progress.entriesDone += entries;
      progress.bytesDone += totalBytes;
      progress.bytesReused += totalBytes;
      counts.unchanged += entries;
    }
    for (const segment of known.segmentsOf(block)) session.references.mark(segment);
    const last = block.leaves.at(-1);
    if (last !== undefined) this.#previous.skipTo(last.lastDir, last.lastName);
    this.#queue.addBlock(number, block, known.digestOf(number));
  }

  /** Moves what is ready into the tree. */
  async #drain(more: "open" | "ended"): Promise<void> {
    this.#queue.drain(more);
    for (let stuck = this.#queue.stuck; stuck !== undefined; stuck = this.#queue.stuck) {
      // Its entries go into nodes that may be known.
      await this.#run.index.load();
      stuck.entries = await this.#entriesOf(stuck.block);
      this.#queue.drain(more);
    }
  }

  /** @throws {UnusableMemory} a leaf cannot be read */
  async #entriesOf({ leaves }: KnownBlock): Promise<Entry[]> {
    const entries: Entry[] = [];
    for (const leaf of leaves) {
      try {
        const node = await this.#readNode(leaf.nodeId);
        if ("entries" in node) entries.push(...node.entries);
      } catch (error) {
        if (!isHoldfastError(error, "corrupt", "incompatible")) throw error;
        throw new UnusableMemory(error.message, { cause: error });
      }
    }
    return entries;
  }

  async #makeRoom(path: string): Promise<void> {
    this.#run.progress.currentPath = path;
    this.#releaseHeld();
    await this.#run.until(async () => {
      await this.#drain("open");
      return this.#queue.length <= queueMax && !this.#run.mustWait;
    });
  }

  async #takeRecords(records: Iterable<ScanRecord>): Promise<void> {
    const run = this.#run;
    if (!run.index.isLoaded) await run.index.load();
    for (const record of records) {
      while (this.#previous.needsLeaf) await this.#nextLeaf();
      let entry = this.#previous.seek(record.dir, record.name);
      while (entry === undefined && this.#previous.needsLeaf) {
        await this.#nextLeaf();
        entry = this.#previous.seek(record.dir, record.name);
      }
      if (
        entry !== undefined &&
        isUnchanged(entry, record) &&
        (this.#doubts === undefined || !isDoubted(entry, record.path, this.#doubts)) &&
        this.#areStored(entry.chunks) &&
        (entry.lists === undefined || (await this.#hasLists(entry.lists)))
      ) {
        if (this.#isToBeRead(record)) this.#readAgain(entry, record);
        else this.#reuse(entry, record);
      } else {
        this.#previous.breakLeaf();
        this.#releaseHeld();
        if (entry !== undefined && entry.device !== record.device) await this.#noticeMissingMount(entry, record);
        const isReused = this.#comparison !== undefined && (await this.#reuseLoosely(entry, record, this.#comparison));
        if (!isReused) this.#addNew(record);
      }
      run.progress.entriesDone++;
      if (this.#queue.length > queueMax || run.mustWait) await this.#makeRoom(record.path);
    }
  }

  readonly #doubts: Doubts | undefined;

  /** Whether an unchanged file is among those that are read to see whether their content is. */
  #isToBeRead(record: ScanRecord): boolean {
    return this.#run.reread !== undefined && record.type === entryTypes.file && record.size > 0 && this.#run.reread();
  }

  /** Reads an unchanged file, and tells if its content is another one under the same times. */
  #readAgain(old: Entry, record: ScanRecord): void {
    this.#previous.breakLeaf();
    this.#releaseHeld();
    const entry = entryOfRecord(record);
    const item = this.#queue.add(entry, false, -1);
    this.#run.readContent(item, record, () => {
      if (entry.error === undefined && !entry.changed) this.#run.noteReread(record.path, isSameContent(old, entry));
    });
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
    if (entry.xattrs !== undefined) this.#importer.noteAttributes?.(entry.xattrs);
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

  async #noticeMissingMount(entry: Entry, record: ScanRecord): Promise<void> {
    if ((await this.#mounts?.isMissing(entry, record)) !== true) return;
    this.#run.addError({ path: record.path, kind: "unmounted", message: unmountedMessage });
  }

  /** Takes of an entry of the previous tree what may be taken although it is not unchanged. @returns whether that is so */
  async #reuseLoosely(entry: Entry | undefined, record: ScanRecord, comparison: Comparison): Promise<boolean> {
    if (entry === undefined) return false;
    const kept = compareLoosely(entry, record, comparison);
    if (kept === "other" || (kept === "content" && record.type !== entryTypes.file)) return false;
    if (!this.#areStored(entry.chunks)) return false;
    if (entry.lists !== undefined && !(await this.#hasLists(entry.lists))) return false;
    // Not as the scan tells, so that it is compared again next time.
    if (kept === "same") this.#queue.add(entry, true, -1);
    else this.#addLookedAt(entry, record);
    this.#run.counts.unchanged++;
    this.#run.progress.bytesDone += record.size;
    this.#run.progress.bytesReused += entry.size;
    return true;
  }

  /** Adds a file that is looked at again but for its content. */
  #addLookedAt({ chunks, lists, extents, size }: Entry, record: ScanRecord): void {
    const { xattrs, flags, problems } = this.#importer.describe(record);
    for (const message of problems) this.#run.addError({ path: record.path, kind: "metadata", message });
    this.#tellClampedTime(record);
    this.#queue.add({ ...entryOfRecord(record), xattrs, flags, chunks, lists, extents, size }, true, -1);
  }

  #releaseHeld(): void {
    for (const entry of this.#held) this.#queue.add(entry, true);
    this.#held = [];
  }

  #tellClampedTime(record: ScanRecord): void {
    const message = clampedTime(record);
    if (message !== undefined) this.#run.addError({ path: record.path, kind: "metadata", message });
  }

  #addNew(record: ScanRecord): void {
    const entry = entryOfRecord(record);
    const scannedSize = isUnchanged(entry, record) ? entry.size : -1;
    this.#tellClampedTime(record);
    if (!Number.isSafeInteger(entry.size)) {
      entry.size = 0;
      entry.error = "The file is larger than the format holds.";
      this.#run.addError({ path: record.path, kind: "size", message: entry.error });
      this.#queue.add(entry, true);
      return;
    }
    if (record.type !== entryTypes.file || record.size === 0) {
      const details = this.#importer.describe(record);
      if (details.hasContent === true) {
        const item = this.#queue.add(entry, false, -1);
        this.#run.readContent(item, record, () => undefined);
        return;
      }
      if (details.error !== undefined) {
        entry.error = details.error;
        this.#run.addError({ path: record.path, kind: "replaced", message: details.error });
        this.#queue.add(entry, true, -1);
        return;
      }
      entry.target = details.target;
      entry.xattrs = details.xattrs;
      entry.flags = details.flags;
      for (const message of details.problems) this.#run.addError({ path: record.path, kind: "metadata", message });
      this.#queue.add(entry, true, scannedSize);
      this.#run.counts.changed++;
      return;
    }
    if (record.nlink > 1 && this.#links.follow(record, this.#queue, entry, scannedSize)) return;
    const item = this.#queue.add(entry, false, scannedSize);
    const link = record.nlink > 1 ? this.#links.lead(record, entry) : undefined;
    this.#run.readContent(item, record, () => link?.complete((replaced) => this.#tellReplaced(replaced)));
  }

  #tellReplaced(entry: Entry): void {
    const base = this.#importer.root === "/" ? "" : this.#importer.root;
    this.#run.addError({ path: `${base}/${entryPath(entry)}`, kind: "replaced", message: entry.error ?? "" });
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

function isSameContent(left: Entry, right: Entry): boolean {
  const isSameLists = Buffer.compare(left.lists ?? noDigest, right.lists ?? noDigest) === 0;
  return left.size === right.size && isSameLists && Buffer.compare(left.chunks, right.chunks) === 0;
}
