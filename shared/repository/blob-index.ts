import { indexRowBytes } from "#shared/format/index-section.ts";
import { IndexRun } from "./index-run.ts";
import { mergeIndexRows } from "./merge-index-rows.ts";

/** Where a blob is: in which segment, and where in its plaintext. */
export type BlobPlace = { readonly segment: number; readonly offsetBytes: number; readonly lengthBytes: number };

/** Runs above which they are merged to one. */
const runsMax = 6;

/**
 * Which blobs the published states hold, and where. Built from sorted runs without touching a row; shared with worker
 * threads without a copy. Memory: 32 bytes a blob and half a byte for finding it.
 *
 * Of a blob that several states hold the latest copy is found first: it was stored because another backup had not seen the
 * earlier one, or because the earlier one was found damaged.
 */
export class BlobIndex {
  #runs: IndexRun[] = [];

  /** Adds sorted rows (32 bytes each, segment ordinals as in the segment table). */
  addRun(rows: Uint8Array): void {
    if (rows.byteLength > 0) this.#runs.push(new IndexRun(rows));
  }

  /**
   * Forgets the blobs in some segments, as if no state told of them. Before the rows are shared with other threads: they are moved together in
   * place, so that it costs no memory.
   */
  forgetSegments(isForgotten: (segment: number) => boolean): void {
    this.#runs = this.#runs.flatMap((run) => {
      let to = 0;
      for (let row = 0; row < run.count; row++) {
        if (isForgotten(run.segmentOf(row))) continue;
        if (to < row) run.rows.copyWithin(to * indexRowBytes, row * indexRowBytes, (row + 1) * indexRowBytes);
        to++;
      }
      if (to === run.count) return [run];
      return to === 0 ? [] : [new IndexRun(run.rows.subarray(0, to * indexRowBytes))];
    });
  }

  /** Merges the runs if there are many, once all are added. */
  settle(): void {
    const rows = this.#runs.map((run) => run.rows);
    if (rows.length > runsMax) this.#runs = [new IndexRun(mergeIndexRows(rows, { copies: "keep" }))];
  }

  /** Rows in all. Blobs that several states hold count several times. */
  get count(): number {
    return this.#runs.reduce((sum, run) => sum + run.count, 0);
  }

  /** The rows of each run, for another thread's `BlobIndex`. */
  get runRows(): readonly Uint8Array[] {
    return this.#runs.map((run) => run.rows);
  }

  /** The segment that holds the blob whose id begins at `ids[offset]`, or -1. */
  findSegment(ids: Uint8Array, offset = 0): number {
    for (let index = this.#runs.length - 1; index >= 0; index--) {
      const run = this.#runs[index];
      const row = run?.find(ids, offset) ?? -1;
      if (run !== undefined && row >= 0) return run.segmentOf(row);
    }
    return -1;
  }

  /** The place of a blob, or undefined. */
  find(ids: Uint8Array, offset = 0): BlobPlace | undefined {
    for (const place of this.places(ids, offset)) return place;
    return undefined;
  }

  /** The places of all copies of a blob, the latest first. */
  *places(ids: Uint8Array, offset = 0): Generator<BlobPlace> {
    for (let index = this.#runs.length - 1; index >= 0; index--) {
      const run = this.#runs[index];
      const last = run?.find(ids, offset) ?? -1;
      for (let row = last; run !== undefined && row >= 0 && run.isCopy(row, last); row--) {
        yield { segment: run.segmentOf(row), offsetBytes: run.offsetOf(row), lengthBytes: run.lengthOf(row) };
      }
    }
  }
}
