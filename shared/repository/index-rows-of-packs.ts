import { ByteWriter } from "#shared/bytes/byte-writer.ts";
import { directoryRowBytes } from "#shared/format/directory.ts";
import { indexPrefixBytes } from "#shared/format/index-section.ts";
import type { PackContents } from "./read-pack-contents.ts";
import { sortIndexRows } from "./sort-index-rows.ts";

/** The blobs of a pack, and the number of its first segment in whatever index rows are for. */
export type NumberedPack = Pick<PackContents, "directories"> & { readonly firstSegment: number };

/** The sorted index rows of the blobs of packs, in shared memory. */
export function indexRowsOfPacks(packs: readonly NumberedPack[]): Uint8Array<SharedArrayBuffer> {
  const rows = new ByteWriter();
  for (const { directories, firstSegment } of packs)
    for (const [row, directory] of directories.entries()) appendRows(rows, directory, firstSegment + row);
  return sortIndexRows(rows.toBytes());
}

function appendRows(rows: ByteWriter, directory: Uint8Array, segment: number): void {
  const view = new DataView(directory.buffer, directory.byteOffset, directory.byteLength);
  let offsetBytes = 0;
  for (let at = 0; at < directory.byteLength; at += directoryRowBytes) {
    const lengthBytes = view.getUint32(at + 32, true);
    rows.raw(directory.subarray(at, at + indexPrefixBytes));
    rows.u32(segment);
    rows.u32(offsetBytes);
    rows.u32(lengthBytes);
    offsetBytes += lengthBytes;
  }
}
