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
  if (segments.isQuiet) {
    yield* index.places(ids, offset);
    return;
  }
  let condemned: BlobPlace[] | undefined;
  for (const place of index.places(ids, offset)) {
    const standing = segments.standing(place.segment);
    if (standing === "gone") continue;
    const now = { ...place, segment: segments.current(place.segment) };
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
