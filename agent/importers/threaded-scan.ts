import { availableParallelism } from "node:os";
import { isDeepStrictEqual } from "node:util";
import { setImmediate } from "node:timers/promises";
import type { Worker } from "node:worker_threads";
import type { KnownBlocks, ScanBlock, ScanProblem } from "#shared/connectors/importer.ts";
import { HoldfastError } from "#shared/errors.ts";
import { ChangeSignal } from "#shared/work/change-signal.ts";
import { endThread } from "#shared/work/start-thread.ts";
import { excludeRules } from "./exclude-rules.ts";
import { batchCost, type ScanBatch, unpackBatch } from "./scan-batch.ts";
import { addFindings, newFindings } from "./scan-findings.ts";
import type { FromScanWorker, ScanWorkerData } from "./scan-messages.ts";
import { startScanKernel } from "./kernel/scan-kernel.ts";
import { scanRange, type ScannedRange } from "./scan-range.ts";
import { startScanThread } from "./scan-thread.ts";
import { scanRanges } from "./scan-ranges.ts";
import { findPlace, type ScanKey, type ScanPlace } from "./scan-tree.ts";

/** Credits that the thread begins with: it may be ahead by some ten thousand records, or many more that are known. */
const creditsAhead = 64;
/** Batches that the calling thread may be ahead of itself. */
const batchesAhead = 8;
/** Milliseconds that the calling thread scans before it looks after other things. */
const sliceMs = 4;

/** What is scanned. */
export type ThreadedScanOptions = Pick<ScanWorkerData, "root" | "excludes" | "oneFileSystem" | "skip"> & {
  /** Blocks whose records are left out; where they are many, the calling thread takes a share of the scan. */
  readonly known: KnownBlocks | undefined;
};

/** A part of the tree between two cuts, and what a thread has told of it. */
type Range = {
  /** Where it began, once it has; undefined for the root. */
  begin: { readonly place: ScanPlace | undefined } | undefined;
  end: ScanPlace | undefined;
  /** Whether it is the thread's, not the calling thread's. */
  isThreads: boolean;
  readonly batches: { readonly batch: ScanBatch; readonly credit: Int32Array | undefined }[];
};

/**
 * A scan in a thread of its own, which runs ahead of whoever uses its records; it begins at once.
 *
 * Where most is known, so that the calling thread has little to do but wait, it scans too, in slices: each takes one range after the other, and what
 * comes of them is put in order. A range goes by a look of its own at the directories that lead to it: when that look was not the same as of the range
 * before, for the tree changed between them, it is scanned again from where the range before ended.
 *
 * Memory: some 3 MiB for each of the two.
 */
export class ThreadedScan {
  /** The owners and groups that were met, once it has ended. */
  readonly uids = new Set<number>();
  readonly gids = new Set<number>();
  /** What it has found on its way, once it has ended. */
  readonly findings = newFindings();
  /** The blocks whose records it leaves out. */
  readonly known: KnownBlocks | undefined;
  readonly #options: ThreadedScanOptions;
  #thread: Worker | undefined;
  #ranges: Range[] = [];
  /** Directories that are listed once for each range that they are in: what is wrong with them is told once. */
  #cutDirectories = new Set<string>();
  readonly #toldDirectories = new Set<string>();
  /** Takes a share of the ranges, once there is someone who waits for them. */
  #help: () => Promise<void> = () => Promise.resolve();
  readonly #changes = new ChangeSignal(undefined, () => new HoldfastError("interrupted", "The scan was interrupted"));

  constructor(options: ThreadedScanOptions) {
    this.#options = options;
    this.known = options.known;
    this.#start(scanRanges(options.known), undefined);
  }

  /** The blocks in order, batch by batch; the record is one object, reused. Ends the thread when it is left early. */
  async *batches(onProblem: (problem: ScanProblem) => void): AsyncGenerator<Iterable<ScanBlock>> {
    this.#thread?.ref();
    void this.#help();
    try {
      for (let number = 0; number < this.#ranges.length; number++) {
        const range = this.#ranges[number];
        if (range === undefined) break;
        yield* this.#batchesOf(range, onProblem);
        const next = this.#ranges[number + 1];
        if (next === undefined) break;
        await this.#until(() => next.begin !== undefined);
        if (range.end === undefined || isDeepStrictEqual(next.begin?.place, range.end)) continue;
        const { end } = range;
        this.#ranges = [];
        await this.close();
        this.#start([], end);
        this.#thread?.ref();
        number = -1;
      }
    } finally {
      await this.close();
    }
  }

  /** Ends the thread. */
  async close(): Promise<void> {
    this.#help = () => Promise.resolve();
    this.#isHelpWanted = false;
    this.#onConsumed?.();
    const thread = this.#thread;
    this.#thread = undefined;
    if (thread === undefined) return;
    await endThread(thread);
  }
  #isHelpWanted = false;

  async *#batchesOf(
    range: Range,
    onProblem: (problem: ScanProblem) => void,
  ): AsyncGenerator<Iterable<ScanBlock>, void> {
    for (;;) {
      const next = range.batches.shift();
      if (next !== undefined) {
        for (const problem of next.batch.problems) if (this.#isNews(problem)) onProblem(problem);
        yield unpackBatch(next.batch, this.#options.root);
        this.#onConsumed?.();
        if (next.credit !== undefined) {
          Atomics.add(next.credit, 0, batchCost(next.batch));
          Atomics.notify(next.credit, 0);
        }
      } else if (range.end !== undefined) return;
      else await this.#until(() => range.batches.length > 0 || range.end !== undefined);
    }
  }

  #isNews({ path }: ScanProblem): boolean {
    if (!this.#cutDirectories.has(path)) return true;
    if (this.#toldDirectories.has(path)) return false;
    this.#toldDirectories.add(path);
    return true;
  }

  /** Waits for what the scanning thread, or this one in its slices, tells of the ranges. @throws what a thread threw */
  #until(isTold: () => boolean): Promise<void> {
    return this.#changes.until(isTold, () => this.#thread !== undefined);
  }

  #start(cuts: readonly ScanKey[], from: ScanPlace | undefined): void {
    const { root, excludes, oneFileSystem, skip, known } = this.#options;
    const base = root === "/" ? "" : root;
    for (const { dir } of from?.dir === undefined ? cuts : [{ dir: from.dir }])
      this.#cutDirectories.add(dir === "" ? root : `${base}/${dir}`);
    const ranges = Array.from({ length: cuts.length + 1 }, () => newRange());
    this.#ranges = ranges;
    const nextRange = new SharedArrayBuffer(4);
    const credits = new SharedArrayBuffer(4);
    const credit = new Int32Array(credits);
    credit[0] = creditsAhead;
    const common = { root, excludes, oneFileSystem, skip };
    this.#startThread({ ...common, known: known?.digests, cuts, from, nextRange, credits }, ranges, credit);
    if (cuts.length === 0 || availableParallelism() < 2) return;
    this.#help = () => this.#scanAlong(cuts, ranges, new Int32Array(nextRange));
  }

  /** Scans, in slices, ranges that the thread has not begun. */
  async #scanAlong(cuts: readonly ScanKey[], ranges: readonly Range[], next: Int32Array): Promise<void> {
    this.#isHelpWanted = true;
    const { root, excludes, oneFileSystem, skip, known } = this.#options;
    const { findings } = this;
    const options = { root, excludes: excludeRules(excludes, findings.matched), oneFileSystem, skip, findings };
    const kernel = startScanKernel();
    try {
      for (let number = Atomics.add(next, 0, 1); number <= cuts.length; number = Atomics.add(next, 0, 1)) {
        const range = ranges[number];
        const cut = cuts[number - 1];
        if (range === undefined) return;
        const place = cut === undefined ? undefined : findPlace(options, cut);
        range.begin = { place };
        const batches = scanRange(options, { known: known?.digests, kernel }, { from: place, to: cuts[number] });
        let sinceMs = performance.now();
        let step = batches.next();
        for (; step.done !== true; step = batches.next()) {
          if (step.value !== undefined) range.batches.push({ batch: step.value.batch, credit: undefined });
          if (performance.now() - sinceMs < sliceMs && range.batches.length < batchesAhead) continue;
          this.#changes.notify();
          do await setImmediate();
          while (this.#isHelpWanted && range.batches.length >= batchesAhead && (await this.#consumed()));
          if (!this.#isHelpWanted) {
            batches.return(givenUp);
            return;
          }
          sinceMs = performance.now();
        }
        for (const uid of step.value.uids) this.uids.add(uid);
        for (const gid of step.value.gids) this.gids.add(gid);
        range.end = step.value.place;
        this.#changes.notify();
        await setImmediate();
        if (!this.#isHelpWanted) return;
      }
    } catch (error) {
      this.#changes.fail(error);
    }
  }

  /** Waits until a batch has been used up, or the scan is given up. */
  #consumed(): Promise<true> {
    return new Promise((resolve) => {
      this.#onConsumed = () => resolve(true);
    });
  }
  #onConsumed: (() => void) | undefined;

  #startThread(workerData: ScanWorkerData, ranges: Range[], credit: Int32Array): void {
    const worker = startScanThread(workerData);
    // What a thread still tells of ranges that are not in use any more goes nowhere.
    const isCurrent = (): boolean => this.#ranges === ranges;
    worker.on("message", (message: FromScanWorker) => {
      if (isCurrent()) this.#take(message, credit);
    });
    worker.on("error", (error) => {
      if (isCurrent()) this.#changes.fail(error);
    });
    worker.on("exit", (code) => {
      if (isCurrent()) this.#exit(ranges, code);
    });
    // A scan that nobody waits for must not keep the process alive.
    worker.unref();
    this.#thread = worker;
  }

  #take(message: FromScanWorker, credit: Int32Array): void {
    if (message.type === "failed") {
      const { kind, message: text, detail, hint } = message.error;
      this.#changes.fail(new HoldfastError(kind, text, { detail, ...(hint === undefined ? {} : { hint }) }));
      return;
    }
    const range = this.#ranges[message.range];
    if (range === undefined) return;
    if (message.type === "begin") {
      range.begin = { place: message.place };
      range.isThreads = true;
    } else if (message.type === "batch") range.batches.push({ batch: message.batch, credit });
    else {
      for (const uid of message.uids) this.uids.add(uid);
      for (const gid of message.gids) this.gids.add(gid);
      addFindings(this.findings, message.findings);
      range.end = message.place;
    }
    this.#changes.notify();
  }

  /** @param code - 0 where the thread found no range left; those that it did not begin are scanned along */
  #exit(ranges: readonly Range[], code: number): void {
    if (ranges.some((range) => range.end === undefined && (range.isThreads || code !== 0)))
      this.#changes.fail(new HoldfastError("internal", "The scan ended before its end"));
  }
}

const givenUp: ScannedRange = {
  place: { dir: undefined, name: "", found: [], rest: [] },
  uids: new Set(),
  gids: new Set(),
};

function newRange(): Range {
  return { begin: undefined, end: undefined, isThreads: false, batches: [] };
}
