import type { Hash } from "node:crypto";
import type { FileHandle } from "node:fs/promises";

const sliceBytes = 1 << 20;
const sliceParts = 512;

/**
 * Writes all `parts`, one after another, from the file's position on.
 *
 * It goes in slices of about 1 MiB. With a `hash`, each slice is hashed on the main thread while the pool writes it, so that
 * neither waits for the other and no pause of the event loop is longer than one slice takes.
 */
export async function writeWhole(file: FileHandle, parts: readonly Uint8Array[], hash?: Hash): Promise<void> {
  let slice: Uint8Array[] = [];
  let size = 0;
  for (const part of parts) {
    for (let offset = 0; offset < part.byteLength;) {
      const piece = part.subarray(offset, offset + sliceBytes - size);
      slice.push(piece);
      size += piece.byteLength;
      offset += piece.byteLength;
      if (size === sliceBytes || slice.length === sliceParts) {
        await writeSlice(file, slice, size, hash);
        slice = [];
        size = 0;
      }
    }
  }
  if (size > 0) await writeSlice(file, slice, size, hash);
}

async function writeSlice(file: FileHandle, slice: Uint8Array[], size: number, hash: Hash | undefined): Promise<void> {
  const writing = file.writev(slice);
  if (hash !== undefined) for (const piece of slice) hash.update(piece);
  let { bytesWritten } = await writing;
  if (bytesWritten === size) return;
  // A short write is legal (a full disk, a signal): go on behind it, and meet the error, if there is one, there.
  for (const piece of slice) {
    let done = Math.min(bytesWritten, piece.byteLength);
    bytesWritten -= done;
    while (done < piece.byteLength) done += (await file.write(piece, done)).bytesWritten;
  }
}
