/**
 * A sorted part of the blob index that is searched as it lies in memory. Rows of equal blobs are neighbours, the latest last; segments are
 * ordinals of the segment table.
 */
export interface IndexPart {
  readonly count: number;
  /** Bytes that it holds. */
  readonly sizeBytes: number;
  /** The last row of the blob whose id begins at `ids[offset]`, or -1. Rows of other copies are right before it. */
  find(ids: Uint8Array, offset: number): number;
  segmentOf(row: number): number;
  offsetOf(row: number): number;
  lengthOf(row: number): number;
  /** Whether two rows are copies of one blob. */
  isCopy(row: number, other: number): boolean;
  /** Writes the id prefix of a row, 20 bytes, to `to`. */
  copyPrefix(row: number, to: Uint8Array): void;
}
