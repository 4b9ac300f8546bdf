import type { Exporter } from "#shared/connectors/exporter.ts";
import { chunkRowBytes, type Entry, entryTypes, entryPath, listRowBytes } from "#shared/format/entry.ts";
import { decodeChunkList } from "#shared/format/chunk-list.ts";
import type { StateId } from "#shared/format/ids.ts";
import { HoldfastError, isHoldfastError } from "#shared/errors.ts";
import type { Progress, Reporter } from "#shared/operations/progress.ts";
import type { Repository } from "#shared/repository/repository.ts";
import { explainLoss, type ReadsBlobs } from "#shared/snapshot/snapshot-reader.ts";
import type { LostEntries } from "#shared/tree/read-tree.ts";
import { BlockedDirectories } from "./blocked-directories.ts";
import { ContentRestorer } from "./content-restorer.ts";
import { ContentWindow, type PlannedFile } from "./content-window.ts";
import { DirectoryLedger } from "./directory-ledger.ts";
import { inodeName } from "./inode-name.ts";
import { notRead } from "./not-read.ts";
import { parentOf } from "./parent-of.ts";
import { planRanges } from "./plan-ranges.ts";
import type { EntryListener, RestoreItem, RestoreReport } from "./restore-options.ts";
import { RestoreTeller } from "./restore-teller.ts";
import { endsRestore, targetFailed } from "./target-trouble.ts";
import { WholeFiles } from "./whole-files.ts";

/** What is counted while it goes on. */
export type RestoreCounts = Omit<
  { -readonly [Key in keyof RestoreReport]: RestoreReport[Key] },
  "durationMs" | "condemnedPacks"
>;

/** The restore of one tree, or part of one, into one target. */
export class ItemRestore {
  readonly #repository: Repository;
  readonly #snapshot: StateId;
  readonly #reader: ReadsBlobs;
  readonly #exporter: Exporter;
  readonly #item: RestoreItem;
  readonly #reporter: Reporter;
  readonly #told: RestoreTeller;
  readonly #progress: Progress;
  readonly #counts: RestoreCounts;
  readonly #content: ContentRestorer;
  readonly #window = new ContentWindow();
  readonly #directories = new DirectoryLedger();
  readonly #late = new DirectoryLedger();
  /** First restored path of each inode with several links. */
  readonly #firstLinks = new Map<string, string>();
  readonly #links: { readonly existing: string; readonly path: string; readonly entry: Entry }[] = [];
  readonly #failedPaths = new Set<string>();
  /** Whether entries were lost, so that directories may have to be made without them. */
  #lostDirectories = false;
  #lastParent = "";
  readonly #blocked = new BlockedDirectories();
  readonly #whole: WholeFiles;
  /** Set once the target takes no more: nothing else is fetched or made then. */
  #ending: { readonly kind: string; readonly message: string } | undefined;

  constructor(parts: {
    repository: Repository;
    snapshot: StateId;
    reader: ReadsBlobs;
    exporter: Exporter;
    item: RestoreItem;
    reporter: Reporter;
    onEntry: EntryListener | undefined;
    progress: Progress;
    counts: RestoreCounts;
    threads: number;
    inFlightBytes: number;
    signal: AbortSignal | undefined;
  }) {
    this.#repository = parts.repository;
    this.#snapshot = parts.snapshot;
    this.#reader = parts.reader;
    this.#exporter = parts.exporter;
    this.#item = parts.item;
    this.#reporter = parts.reporter;
    this.#told = new RestoreTeller({ ...parts, root: parts.exporter.description });
    this.#progress = parts.progress;
    this.#counts = parts.counts;
    this.#whole = new WholeFiles(parts.exporter, this.#told.problem);
    this.#content = new ContentRestorer({
      repository: parts.repository,
      exporter: parts.exporter,
      threads: parts.threads,
      inFlightBytes: parts.inFlightBytes,
      signal: parts.signal,
      outcomes: {
        restored: (file) => this.#restored(file),
        failed: (file, failure) =>
          failure instanceof HoldfastError ? this.#report(file.path, failure) : this.#fail(file.path, failure),
        problem: this.#told.problem,
        fetched: (bytes) => {
          this.#counts.fetchedBytes += bytes;
          this.#progress.bytesStored += bytes;
        },
      },
    });
  }

  /** @throws {HoldfastError} unavailable: the target takes no more, or lost what was written */
  async run(): Promise<void> {
    this.#content.prepare();
    const made = this.#item.ancestors.filter(({ path }) => this.#exporter.takeDirectory(path));
    for await (const entry of this.#item.entries((lost) => this.#lose(lost))) {
      if (this.#ending !== undefined) break;
      const path = this.#item.targetOf(entry);
      this.#progress.currentPath = path;
      this.#counts.entries++;
      if (this.#blocked.holds(path)) {
        this.#counts.failed++;
        continue;
      }
      if (this.#lostDirectories) this.#try(path, () => this.#makeParents(path));
      const placed = { ...entry, dir: parentOf(path), name: path.slice(path.lastIndexOf("/") + 1) };
      if (entry.error !== undefined) {
        this.#fail(path, { kind: "absent", message: notRead(entry.error) });
        continue;
      }
      if (entry.type === entryTypes.file) await this.#planFile(path, placed);
      else if (!this.#try(path, () => this.#makeOther(path, placed)) && entry.type === entryTypes.directory)
        this.#blocked.add(path);
      if (this.#window.full) await this.#flush();
    }
    await this.#flush();
    if (this.#ending === undefined) await this.#content.drain();
    else await this.#content.close();
    for (const { existing, path, entry } of this.#links)
      if (this.#ending === undefined) this.#try(path, () => this.#link(existing, path, entry));
    await this.#settle();
    this.#progress.phase = "finishing directories";
    for (const entry of this.#directories.takeReversed()) {
      const path = entryPath(entry);
      this.#try(path, () => {
        for (const problem of this.#exporter.finishDirectory(path, entry)) this.#told.problem(path, problem);
      });
    }
    for (const { path, entry } of made.toReversed()) this.#try(path, () => this.#finishAncestor(path, entry));
    for (const entry of this.#late.takeReversed()) {
      const path = entryPath(entry);
      this.#try(path, () => {
        for (const problem of this.#exporter.finishLate(path, entry)) this.#told.problem(path, problem);
      });
    }
    if (this.#ending === undefined) await this.#exporter.sync();
    else
      throw targetFailed(this.#ending, this.#counts, {
        entries: this.#progress.entriesDone,
        total: this.#progress.entriesTotal,
      });
  }

  /** Makes the content durable, then marks the files. Of a target that takes no more, as far as that goes. */
  async #settle(): Promise<void> {
    this.#progress.phase = "making durable";
    try {
      await this.#whole.settle();
    } catch (error) {
      if (this.#ending === undefined) throw error;
    }
  }

  /** Ends the threads. What is whole by then is marked, so that a restore that goes on later keeps it. */
  async close(): Promise<void> {
    try {
      await this.#content.close();
      await this.#whole.settle();
    } finally {
      this.#exporter.close();
    }
  }

  #lose({ last, entries, error }: LostEntries): void {
    this.#lostDirectories = true;
    this.#counts.failed += entries;
    if (error.kind !== "absent") this.#counts.damaged += entries;
    this.#progress.errors++;
    const message = `Cannot restore ${entries === 1 ? "this entry" : `${entries} entries, of which this is the last`}: ${error.message}`;
    this.#reporter.entryError({ path: entryPath(last), kind: error.kind, message });
  }

  /** Makes the directories that lead to an entry, whose own entries may be lost. */
  #makeParents(path: string): void {
    const parent = parentOf(path);
    if (parent === this.#lastParent) return;
    for (let slash = path.indexOf("/"); slash >= 0; slash = path.indexOf("/", slash + 1))
      this.#exporter.takeDirectory(path.slice(0, slash));
    this.#lastParent = parent;
  }

  #makeOther(path: string, entry: Entry): void {
    if (entry.type === entryTypes.directory) {
      this.#exporter.makeDirectory(path);
      this.#directories.add(entry);
    } else if (!this.#isLaterLink(path, entry)) this.#makeFirst(path, entry);
    if (this.#exporter.hasLate(entry)) this.#late.add(entry);
    this.#progress.entriesDone++;
  }

  /** Makes a symlink, device or FIFO. Where it is not in its place then, the next of its names is made anew, and no link to what is there. */
  #makeFirst(path: string, entry: Entry): void {
    let isThere = false;
    try {
      const made = this.#exporter.makeOther(path, entry);
      isThere = made.isThere;
      for (const problem of made.problems) this.#told.problem(path, problem);
    } finally {
      if (!isThere && entry.nlink > 1) this.#firstLinks.delete(inodeName(entry));
    }
  }

  async #planFile(path: string, entry: Entry): Promise<void> {
    this.#counts.files++;
    if (this.#isLaterLink(path, entry)) return;
    let file: PlannedFile;
    try {
      const decision = this.#exporter.decide(path, entry);
      if (decision === "leave") this.#firstLinks.delete(inodeName(entry));
      else if (this.#exporter.hasLate(entry)) this.#late.add(entry);
      if (decision === "keep" || decision === "leave") {
        for (const problem of this.#exporter.updateFile(path, entry)) this.#told.problem(path, problem);
        this.#counts.kept++;
        this.#told.fate(path, decision);
        this.#progress.bytesReused += entry.size;
        this.#countDone(entry);
        return;
      }
      const inParts = entry.lists !== undefined || entry.chunks.byteLength > chunkRowBytes;
      const opened = inParts ? this.#exporter.openFile(path, entry, decision) : undefined;
      file = { path, entry, decision, opened, remaining: 0, planned: false, failed: false };
    } catch (error) {
      // Its place is the trouble, which another link of it need not share.
      if (entry.nlink > 1) this.#firstLinks.delete(inodeName(entry));
      this.#report(path, error);
      return;
    }
    await this.#planContent(file);
    this.#content.planned(file);
    if (this.#whole.isFull) await this.#whole.settle();
  }

  async #planContent(file: PlannedFile): Promise<void> {
    const { chunks, lists } = file.entry;
    if (lists === undefined) {
      if (chunks.byteLength === 0) {
        this.#window.add({
          file,
          segment: -1,
          offsetBytes: 0,
          lengthBytes: 0,
          ids: new Uint8Array(32),
          idAt: 0,
          contentOffset: 0,
        });
      } else this.#addChunks(file, chunks, 0);
      return;
    }
    let contentOffset = 0;
    for (let at = 0; at < lists.byteLength && !file.failed; at += listRowBytes) {
      try {
        const rows = decodeChunkList(await this.#reader.readNode(lists.subarray(at, at + 32)), "a chunk list");
        contentOffset = this.#addChunks(file, rows, contentOffset);
      } catch (error) {
        file.failed = true;
        this.#report(file.path, error);
      }
      if (this.#window.full) await this.#flush();
    }
  }

  #addChunks(file: PlannedFile, rows: Uint8Array, firstOffset: number): number {
    const view = new DataView(rows.buffer, rows.byteOffset, rows.byteLength);
    let contentOffset = firstOffset;
    for (let at = 0; at < rows.byteLength; at += chunkRowBytes) {
      const place = this.#repository.findBlob(rows, at);
      const lengthBytes = view.getUint32(at + 32, true);
      if (place === undefined || place.lengthBytes !== lengthBytes) {
        file.failed = true;
        this.#report(
          file.path,
          place === undefined
            ? this.#whyNoChunk(rows, at)
            : new HoldfastError("corrupt", "A chunk of it has another length than the tree says"),
        );
        return contentOffset;
      }
      this.#window.add({
        file,
        segment: place.segment,
        offsetBytes: place.offsetBytes,
        lengthBytes,
        ids: rows,
        idAt: at,
        contentOffset,
      });
      contentOffset += lengthBytes;
    }
    return contentOffset;
  }

  #whyNoChunk(rows: Uint8Array, at: number): HoldfastError {
    const isKnown = this.#repository.index.find(rows, at) !== undefined;
    const reason = isKnown ? "the pack that it was in was swept" : "no state tells of it";
    return new HoldfastError("corrupt", `Cannot find a chunk of it: ${reason}`, { detail: { isGone: true } });
  }

  async #flush(): Promise<void> {
    const { share } = this.#window;
    const pieces = this.#window.take();
    if (pieces.length === 0) return;
    for (const range of planRanges(pieces, this.#repository.segments, share)) {
      if (this.#ending !== undefined) return;
      await this.#content.submit(range);
    }
  }

  /** Whether another path of the same inode was met before; it is then linked once that one is whole. */
  #isLaterLink(path: string, entry: Entry): boolean {
    if (entry.nlink < 2) return false;
    const inode = inodeName(entry);
    const existing = this.#firstLinks.get(inode);
    if (existing === undefined) {
      this.#firstLinks.set(inode, path);
      return false;
    }
    this.#links.push({ existing, path, entry });
    return true;
  }

  #link(existing: string, path: string, entry: Entry): void {
    if (this.#failedPaths.has(existing)) {
      throw new HoldfastError(
        "unavailable",
        "Cannot link it: the file that it is another name of could not be restored",
      );
    }
    const copied = this.#exporter.makeLink(existing, path, entry);
    if (copied !== undefined) {
      if (entry.type === entryTypes.file) this.#whole.add({ path, entry });
      for (const problem of copied) this.#told.problem(path, problem);
    }
    this.#countDone(entry);
  }

  #restored(file: PlannedFile): void {
    this.#whole.add(file);
    this.#counts.restoredBytes += file.entry.size;
    this.#told.fate(file.path, file.decision);
    this.#countDone(file.entry);
  }

  #countDone(entry: Entry): void {
    this.#progress.entriesDone++;
    this.#progress.bytesDone += entry.size;
  }

  /** Gives a directory that leads to what is restored, and was made for it, what the snapshot knows of it. */
  #finishAncestor(path: string, entry: Entry | undefined): void {
    if (entry === undefined) {
      if (path !== "") this.#counts.undescribed++;
      this.#exporter.finishUndescribed(path);
      return;
    }
    for (const problem of this.#exporter.finishDirectory(path, entry)) this.#told.problem(path, problem);
  }

  /** @returns whether it went well; a failure was reported */
  #try(path: string, step: () => void): boolean {
    try {
      step();
      return true;
    } catch (error) {
      this.#report(path, error);
      return false;
    }
  }

  #report(path: string, cause: unknown): void {
    const error = explainLoss(cause, this.#repository.log, this.#snapshot);
    if (!isHoldfastError(error) || error.kind === "internal" || error.kind === "interrupted") throw error;
    this.#fail(path, { kind: String(error.detail["errno"] ?? error.kind), message: error.message });
  }

  #fail(path: string, failure: { readonly kind: string; readonly message: string }): void {
    this.#counts.failed++;
    if (failure.kind === "corrupt") this.#counts.damaged++;
    this.#progress.errors++;
    if (this.#firstLinks.size > 0) this.#failedPaths.add(path);
    if (this.#ending !== undefined) return;
    if (endsRestore(failure.kind)) this.#ending = failure;
    this.#reporter.entryError({ path: this.#told.shown(path), ...failure });
  }
}
