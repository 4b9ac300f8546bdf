/**
 * Where part of the content of a sparse file lies in the file.
 *
 * @param extents - offset and length of each data range in turn
 * @returns triples: offset in the part, offset in the file, length
 */
export function mapToExtents(extents: readonly number[], contentOffset: number, lengthBytes: number): number[] {
  const ranges: number[] = [];
  let content = 0;
  for (let index = 0; index < extents.length; index += 2) {
    const offset = extents[index] ?? 0;
    const length = extents[index + 1] ?? 0;
    const from = Math.max(contentOffset, content);
    const to = Math.min(contentOffset + lengthBytes, content + length);
    if (from < to) ranges.push(from - contentOffset, offset + from - content, to - from);
    content += length;
  }
  return ranges;
}
