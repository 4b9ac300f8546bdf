import { writeAt } from "#agent/filesystem/write-file.ts";

/** Bytes that are looked at together: a block of common filesystems. */
const blockBytes = 4096;
const zeros = Buffer.alloc(blockBytes);

/** Writes data to a file that is long enough and empty, leaving whole blocks of zeros out. */
export function writeWithHoles(fd: number, data: Uint8Array, offset: number, path: string): void {
  let from = -1;
  for (let at = 0; at < data.byteLength; at += blockBytes) {
    const end = Math.min(at + blockBytes, data.byteLength);
    const isHole = zeros.compare(data, at, end, 0, end - at) === 0;
    if (isHole && from >= 0) {
      writeAt(fd, data.subarray(from, at), offset + from, path);
      from = -1;
    } else if (!isHole && from < 0) from = at;
  }
  if (from >= 0) writeAt(fd, data.subarray(from), offset + from, path);
}
