import type { SegmentPlace, SegmentTable } from "#shared/repository/segment-table.ts";
import type { Piece } from "./content-window.ts";

/** Bytes between two wanted segments that are fetched rather than asked around. */
const gapBytes = 128 * 1024;
/** Sealed bytes and pieces of a range at most. */
const rangeBytesMax = 4 * 1024 * 1024;
const rangePieces = 1024;

/** One request to the store: segments of one pack, close together, and what becomes of their blobs. */
export type PlannedRange = { readonly places: SegmentPlace[]; readonly pieces: Piece[]; lengthBytes: number };

/**
 * Plans few requests for pieces that are sorted by segment. Pieces without a segment make ranges without places.
 *
 * @param share - of the size that a range may have, for few pieces that are to keep several threads busy
 */
export function planRanges(pieces: readonly Piece[], segments: SegmentTable, share = 1): PlannedRange[] {
  const rangeBytes = rangeBytesMax * share;
  const ranges: PlannedRange[] = [];
  let range: PlannedRange | undefined;
  for (const piece of pieces) {
    const last = range?.places.at(-1);
    if (range !== undefined && range.pieces.length < rangePieces && (last?.ordinal ?? -1) === piece.segment) {
      range.pieces.push(piece);
      continue;
    }
    if (piece.segment < 0) {
      range = { places: [], pieces: [piece], lengthBytes: 0 };
      ranges.push(range);
      continue;
    }
    const place = segments.place(piece.segment);
    const first = range?.places[0];
    const end = last === undefined ? 0 : last.offsetBytes + last.sealedBytes;
    if (
      range !== undefined &&
      first !== undefined &&
      last?.ordinal !== piece.segment &&
      range.pieces.length < rangePieces &&
      first.pack === place.pack &&
      place.offsetBytes - end <= gapBytes &&
      place.offsetBytes + place.sealedBytes - first.offsetBytes <= rangeBytes
    ) {
      range.places.push(place);
      range.pieces.push(piece);
      range.lengthBytes = place.offsetBytes + place.sealedBytes - first.offsetBytes;
    } else {
      range = { places: [place], pieces: [piece], lengthBytes: place.sealedBytes };
      ranges.push(range);
    }
  }
  return ranges;
}

/** The same pieces, a range for each segment. */
export function splitRange(range: PlannedRange): PlannedRange[] {
  return range.places.map((place) => ({
    places: [place],
    pieces: range.pieces.filter((piece) => piece.segment === place.ordinal),
    lengthBytes: place.sealedBytes,
  }));
}
