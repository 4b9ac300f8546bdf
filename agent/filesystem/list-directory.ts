import { closeSync, constants, openSync, opendirSync } from "node:fs";
import { filesystemError } from "./filesystem-error.ts";
import {
  dataBytes,
  type Libc,
  libc,
  longestPathBytes,
  openCloseOnExec,
  openDirectoryHandle,
  workingDirectory,
} from "./libc.ts";
import { openShortPath } from "./long-path.ts";
import { NameTable } from "./name-table.ts";
import { aliasPath, nodePath } from "./node-path.ts";

/**
 * The names in a directory, as binary strings in byte order, without `.` and `..`. Never follows a symlink in its place.
 *
 * Memory: the names themselves (about 60 bytes each beyond the array) and a fixed reading buffer.
 *
 * @throws {HoldfastError} as `filesystemError` says
 */
export function listDirectory(path: string, directoryFd: number = workingDirectory): string[] {
  const fd = openDirectory(path, directoryFd);
  try {
    return listOpenDirectory(fd, path);
  } finally {
    closeDirectory(fd);
  }
}

/**
 * Opens a directory for `listOpenDirectory`, `readFlags` and as the `directoryFd` of other calls. Never follows a
 * symlink in its place. Close it with `closeDirectory`. Without /proc (not Linux) only the listing works.
 *
 * @throws {HoldfastError} as `filesystemError` says
 */
export function openDirectory(path: string, directoryFd: number = workingDirectory): number {
  if (path.length > longestPathBytes) {
    const short = openShortPath(path, directoryFd);
    try {
      return openDirectory(short.name, short.directoryFd);
    } finally {
      short.close();
    }
  }
  const c = libc();
  const flags = constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW;
  if (c === undefined) {
    try {
      return openSync(nodePath(path, directoryFd), flags);
    } catch (error) {
      throw filesystemError("open the directory", path, error);
    }
  }
  const fd = c.openat(directoryFd, c.putPath(path), flags | openCloseOnExec, 0);
  if (fd < 0) throw filesystemError("open the directory", path, c.errno());
  return fd;
}

/**
 * Opens a directory as a place only: needs no permission to read it, serves as `directoryFd`, and cannot be listed.
 *
 * @throws {HoldfastError} as `filesystemError` says
 */
export function openDirectoryPlace(path: string, directoryFd: number = workingDirectory): number {
  if (path.length > longestPathBytes) {
    const short = openShortPath(path, directoryFd);
    try {
      return openDirectoryPlace(short.name, short.directoryFd);
    } finally {
      short.close();
    }
  }
  const c = libc();
  if (c === undefined) {
    try {
      return openSync(nodePath(path, directoryFd), openDirectoryHandle);
    } catch (error) {
      throw filesystemError("open the directory", path, error);
    }
  }
  const fd = c.openat(directoryFd, c.putPath(path), openDirectoryHandle, 0);
  if (fd < 0) throw filesystemError("open the directory", path, c.errno());
  return fd;
}

/** Makes an open directory be listed from its beginning again. */
export function rewindDirectory(fd: number): void {
  libc()?.lseek(fd, 0, 0);
}

/** Closes what `openDirectory` or `openDirectoryPlace` opened. */
export function closeDirectory(fd: number): void {
  const c = libc();
  if (c === undefined) closeSync(fd);
  else c.close(fd);
}

/**
 * `listDirectory` of a directory that is open; once for each opening.
 *
 * @param path - for the message of an error only
 */
export function listOpenDirectory(fd: number, path: string): string[] {
  const c = libc();
  return c === undefined ? listByNode(fd, path) : listByLibc(c, fd, path);
}

/** Names that are kept as strings; with more, the bytes of all are kept in one buffer. */
const stringNamesMax = 32_768;

/**
 * The names in an open directory in byte order, each once, with little memory however many there are.
 *
 * @param path - for the message of an error only
 * @throws {HoldfastError} as `filesystemError` says, before the first name
 */
export function sortedNames(fd: number, path: string): Iterable<string> {
  const c = libc();
  if (c === undefined) return listByNode(fd, path);
  let names: string[] = [];
  let table: NameTable | undefined;
  readByLibc(c, fd, path, (name) => {
    if (table === undefined && names.length >= stringNamesMax) {
      table = new NameTable();
      for (const each of names) table.add(each);
      names = [];
    }
    if (table === undefined) names.push(name);
    else table.add(name);
  });
  return table === undefined ? names.sort() : table.sorted();
}

/** `struct linux_dirent64`: u64 inode, u64 offset, u16 length of the record, u8 type, NUL-terminated name, padding to 8. */
function listByLibc(c: Libc, fd: number, path: string): string[] {
  const names: string[] = [];
  readByLibc(c, fd, path, (name) => names.push(name));
  return names.sort();
}

function readByLibc(c: Libc, fd: number, path: string, onName: (name: string) => void): void {
  const bytes = c.dataView;
  for (;;) {
    const filled = c.getdents(fd, c.data, dataBytes);
    if (filled < 0) throw filesystemError("list", path, c.errno());
    if (filled === 0) break;
    for (let at = 0; at < filled;) {
      const start = at + 19;
      at += (bytes[at + 16] ?? 0) | ((bytes[at + 17] ?? 0) << 8);
      // The name's NUL and the padding lie in the last 8 bytes of the record.
      let end = Math.max(at - 8, start);
      while (bytes[end] !== 0) end++;
      if (bytes[start] === 0x2e && (end === start + 1 || (end === start + 2 && bytes[start + 1] === 0x2e))) continue;
      onName(bytes.latin1Slice(start, end));
    }
  }
}

function listByNode(fd: number, path: string): string[] {
  const names: string[] = [];
  const place = process.platform === "linux" ? aliasPath(".", fd) : nodePath(path).toString();
  try {
    // Node reads names as latin1 here although its types know only the common encodings.
    const directory = opendirSync(place, { encoding: "latin1" as BufferEncoding, bufferSize: 4096 });
    try {
      for (let entry = directory.readSync(); entry !== null; entry = directory.readSync()) names.push(entry.name);
    } finally {
      directory.closeSync();
    }
  } catch (error) {
    throw filesystemError("list", path, error);
  }
  return names.sort();
}
