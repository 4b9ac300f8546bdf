import { constants } from "node:fs";
import { settableFlags } from "./file-flags.ts";
import { filesystemError } from "./filesystem-error.ts";
import { libc, longestPathBytes, openCloseOnExec, workingDirectory } from "./libc.ts";
import { openShortPath } from "./long-path.ts";

const getFlags = 0x8008_6601;

/** "This filesystem, or this kind of entry, has no flags": ENOTTY, EOPNOTSUPP, EINVAL, ENOSYS. */
const quiet = new Set([25, 95, 22, 38]);

/**
 * The chattr flags of an open file or directory: bits of `fileFlags`, 0 where the filesystem has none, undefined without
 * koffi (they are unknown then).
 *
 * @param fd - open for reading or writing, not as a place only
 * @throws {HoldfastError} as `filesystemError` says
 */
export function readFlagsOpen(fd: number, path: string): number | undefined {
  const c = libc();
  if (c === undefined) return undefined;
  c.fieldsU32[0] = 0;
  if (c.ioctl(fd, getFlags, c.fields) === 0) return (c.fieldsU32[0] ?? 0) & settableFlags;
  const errno = c.errno();
  if (quiet.has(errno)) return 0;
  throw filesystemError("read the flags of", path, errno);
}

/**
 * `readFlagsOpen` of a file or directory by path. It opens it, which a device or FIFO would notice: don't ask for those.
 *
 * @throws {HoldfastError} as `filesystemError` says
 */
export function readFlags(path: string, directoryFd: number = workingDirectory): number | undefined {
  const c = libc();
  if (c === undefined) return undefined;
  if (path.length > longestPathBytes) {
    const short = openShortPath(path, directoryFd);
    try {
      return readFlags(short.name, short.directoryFd);
    } finally {
      short.close();
    }
  }
  const flags = constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOFOLLOW | constants.O_NOCTTY | openCloseOnExec;
  const fd = c.openat(directoryFd, c.putPath(path), flags, 0);
  if (fd < 0) throw filesystemError("open", path, c.errno());
  try {
    return readFlagsOpen(fd, path);
  } finally {
    c.close(fd);
  }
}
