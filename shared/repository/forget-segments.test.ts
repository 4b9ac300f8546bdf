import { describe, expect, it } from "vitest";
import { BlobIndex } from "#shared/repository/blob-index.ts";
import { indexRowBytes } from "#shared/format/index-section.ts";

describe("BlobIndex.forgetSegments", () => {
  it("forgets the blobs of some segments and keeps the others", () => {
    const rows = new Uint8Array(3 * indexRowBytes);
    for (let row = 0; row < 3; row++) {
      rows[row * indexRowBytes] = row + 1;
      new DataView(rows.buffer).setUint32(row * indexRowBytes + 20, row, true);
    }
    const index = new BlobIndex();
    index.addRun(rows);
    index.forgetSegments((segment) => segment === 1);
    const found = [1, 2, 3].map((first) => index.findSegment(Uint8Array.of(first, ...new Uint8Array(31))));
    expect(found).toEqual([0, -1, 2]);
  });
});
