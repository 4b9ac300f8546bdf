import { filesystemError } from "./filesystem-error.ts";
import { libc } from "./libc.ts";

/** A stretch of a file that holds data, in bytes. */
export type DataExtent = readonly [offset: number, length: number];

const seekSet = 0;
const seekData = 3;
const seekHole = 4;
const noSuchOffset = 6;

/**
 * The stretches of a file that hold data, ascending, between them holes that read as zeros. One extent over the whole
 * where the filesystem cannot tell and without koffi. Worth asking where `blocks512 * 512 < size`.
 *
 * The descriptor's offset is 0 afterwards. A file that changes meanwhile gives some map; every extent lies within `size`.
 *
 * @param fd - an ordinary file open for reading
 * @param size - of the file, in bytes
 * @throws {HoldfastError} as `filesystemError` says
 */
export function readHoles(fd: number, size: number, path: string): DataExtent[] {
  const c = libc();
  if (c === undefined) return size === 0 ? [] : [[0, size]];
  const extents: DataExtent[] = [];
  let at = 0;
  while (at < size) {
    const data = c.lseek(fd, at, seekData);
    if (data < 0) {
      const errno = c.errno();
      if (errno === noSuchOffset) break;
      // EINVAL, EOPNOTSUPP: the filesystem knows no holes.
      if (at === 0 && (errno === 22 || errno === 95)) return [[0, size]];
      throw filesystemError("find the holes of", path, errno);
    }
    if (data >= size) break;
    const hole = c.lseek(fd, data, seekHole);
    const end = hole < 0 || hole > size ? size : hole;
    if (end > data) extents.push([data, end - data]);
    at = Math.max(end, data + 1);
  }
  c.lseek(fd, 0, seekSet);
  return extents;
}
