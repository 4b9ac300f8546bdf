/** Data ranges of one file that an entry keeps at most: with more it would not fit in a tree node. */
export const extentsMax = 200_000;

/**
 * Data ranges of a sparse file, at most `max` of them: where there are more, the shortest holes become data, which they read as.
 *
 * @param extents - offset and length of each range in turn, ascending
 */
export function boundedExtents(extents: readonly number[], max = extentsMax): readonly number[] {
  let bounded = extents;
  for (let holeBytes = 8192; bounded.length / 2 > max; holeBytes *= 2) bounded = withoutHoles(bounded, holeBytes);
  return bounded;
}

/** The ranges with the holes of at most `holeBytes` between them filled. */
function withoutHoles(extents: readonly number[], holeBytes: number): number[] {
  const filled: number[] = [];
  for (let index = 0; index < extents.length; index += 2) {
    const offset = extents[index] ?? 0;
    const length = extents[index + 1] ?? 0;
    const lastOffset = filled.at(-2) ?? 0;
    const end = lastOffset + (filled.at(-1) ?? 0);
    if (filled.length > 0 && offset - end <= holeBytes) filled[filled.length - 1] = offset + length - lastOffset;
    else filled.push(offset, length);
  }
  return filled;
}
