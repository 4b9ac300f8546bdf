import type { Entry } from "#shared/format/entry.ts";
import type { FileDecision, OpenedFile } from "#shared/connectors/exporter.ts";

/** A file whose content is on its way. */
export type PlannedFile = {
  readonly path: string;
  readonly entry: Entry;
  readonly decision: FileDecision;
  /** Set when it is written in parts. */
  readonly opened: OpenedFile | undefined;
  /** Pieces still to be written. */
  remaining: number;
  /** Whether all its pieces have been planned. */
  planned: boolean;
  failed: boolean;
};

/** One blob and where it goes. */
export type Piece = {
  readonly file: PlannedFile;
  /** Ordinal of the segment; -1 for a file without content. */
  readonly segment: number;
  readonly offsetBytes: number;
  readonly lengthBytes: number;
  /** Where the chunk id is. */
  readonly ids: Uint8Array;
  readonly idAt: number;
  /** Place in the content of the file, holes left out. */
  readonly contentOffset: number;
};

/** Plaintext and pieces after which a window is full. The first is smaller, so that threads soon have work, and each next one twice as large. */
const windowBytes = 64 * 1024 * 1024;
const windowPieces = 8192;
const firstShare = 1 / 16;

/** Pieces collected in the order of the tree, to be fetched in the order of the packs. Memory: a bounded number of pieces. */
export class ContentWindow {
  #pieces: Piece[] = [];
  #bytes = 0;
  #share = firstShare;

  /** What part of a whole window the next one is. */
  get share(): number {
    return this.#share;
  }

  /** Whether enough is collected for few, long requests. */
  get full(): boolean {
    return this.#bytes >= windowBytes * this.#share || this.#pieces.length >= windowPieces * this.#share;
  }

  add(piece: Piece): void {
    piece.file.remaining++;
    this.#pieces.push(piece);
    this.#bytes += piece.lengthBytes;
  }

  /** Hands out what was collected, by segment and within each in the order of the tree, and begins anew. */
  take(): Piece[] {
    const pieces = this.#pieces.sort((left, right) => left.segment - right.segment);
    this.#pieces = [];
    this.#bytes = 0;
    this.#share = Math.min(1, this.#share * 2);
    return pieces;
  }
}
