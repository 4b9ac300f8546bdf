import type { BlobIndex, BlobPlace } from "./blob-index.ts";
import type { SegmentTable } from "./segment-table.ts";

/**
 * The places where copies of a blob are read now, relocations followed: the live ones first, each kind the latest first; then those in
 * condemned packs. Copies that are gone are left out.
 */
export function* blobCopies(
  index: BlobIndex,
  segments: SegmentTable,
  ids: Uint8Array,
  offset = 0,
): Generator<BlobPlace, void, undefined> {
  const told: BlobPlace[] = [];
  let condemned: BlobPlace[] | undefined;
  for (const place of index.places(ids, offset)) {
    const standing = segments.isQuiet ? "live" : segments.standing(place.segment);
    if (standing === "gone") continue;
    const now = segments.isQuiet ? place : { ...place, segment: segments.current(place.segment) };
    // Two states may tell of one place: who goes on to the next copy after a damaged one would come back to it for ever.
    if (told.some((each) => each.segment === now.segment && each.offsetBytes === now.offsetBytes)) continue;
    told.push(now);
    if (standing === "live") yield now;
    else (condemned ??= []).push(now);
  }
  if (condemned !== undefined) yield* condemned;
}

/** The place where a blob is best read, or undefined. */
export function findBlob(index: BlobIndex, segments: SegmentTable, ids: Uint8Array, offset = 0): BlobPlace | undefined {
  for (const place of blobCopies(index, segments, ids, offset)) return place;
  return undefined;
}
