import { expect, test } from "vitest";
import { indexRowBytes } from "#shared/format/index-section.ts";
import { BlobIndex } from "./blob-index.ts";
import { blobCopies } from "./blob-copies.ts";
import { SegmentTable } from "./segment-table.ts";

/** An index row of the blob whose id begins with twenty sevens. */
function row(segment: number, offsetBytes: number): Uint8Array {
  const bytes = new Uint8Array(indexRowBytes).fill(7, 0, 20);
  const view = new DataView(bytes.buffer);
  view.setUint32(20, segment, true);
  view.setUint32(24, offsetBytes, true);
  view.setUint32(28, 100, true);
  return bytes;
}

test("a place of which two states tell is given once, so that who leaves a damaged copy never comes back to it", () => {
  const index = new BlobIndex();
  for (const [segment, offset] of [
    [3, 0],
    [5, 64],
    [3, 0],
    [3, 200],
    [5, 64],
  ] as const)
    index.addRun(row(segment, offset));
  const copies = [...blobCopies(index, new SegmentTable(), new Uint8Array(32).fill(7))];
  expect(copies.map(({ segment, offsetBytes }) => [segment, offsetBytes])).toEqual([
    [5, 64],
    [3, 200],
    [3, 0],
  ]);
});
