import { filesystemError } from "./filesystem-error.ts";
import { type Address, dataBytes, type Libc, libc, longestPathBytes, workingDirectory } from "./libc.ts";
import { openShortPath } from "./long-path.ts";
import { type MetadataProblem, metadataProblem } from "./metadata-problem.ts";
import { aliasPath } from "./node-path.ts";

/**
 * An extended attribute: its full binary name (`user.x`, `system.posix_acl_access`, `security.capability`) and value.
 * POSIX ACLs and file capabilities are such attributes, in the kernel's own encoding.
 */
export type ExtendedAttribute = readonly [name: string, value: Uint8Array];

/** The value for "no extended attributes", shared so that the common case allocates nothing. */
export const noExtended: readonly ExtendedAttribute[] = Object.freeze([]);

/** `XATTR_LIST_MAX` and `XATTR_SIZE_MAX` of Linux. */
const mostBytes = 65_536;

const notSupported = 95;
const noData = 61;

/**
 * The extended attributes of an entry, sorted by name in byte order. A symlink's are its own. Empty where the
 * filesystem has none, and without koffi.
 *
 * @param problems - takes the attributes whose value cannot be read
 * @throws {HoldfastError} when not even the names can be read
 */
export function readExtended(
  path: string,
  problems: MetadataProblem[],
  directoryFd: number = workingDirectory,
): readonly ExtendedAttribute[] {
  const c = libc();
  if (c === undefined) return noExtended;
  const whole = aliasPath(path, directoryFd);
  if (whole.length > longestPathBytes) {
    const short = openShortPath(path, directoryFd);
    try {
      return readExtended(short.name, problems, short.directoryFd);
    } finally {
      short.close();
    }
  }
  const place = c.putPath(whole);
  const length = c.llistxattr(place, c.data, mostBytes);
  if (length === 0) return noExtended;
  if (length < 0) return failed(c.errno(), path);
  return readValues(c, length, problems, (name, out, room) => c.lgetxattr(place, name, out, room));
}

/** `readExtended` of what is open (not as a place only), which is the fastest way. */
export function readExtendedOpen(fd: number, path: string, problems: MetadataProblem[]): readonly ExtendedAttribute[] {
  const c = libc();
  if (c === undefined) return noExtended;
  const length = c.flistxattr(fd, c.data, mostBytes);
  if (length === 0) return noExtended;
  if (length < 0) return failed(c.errno(), path);
  return readValues(c, length, problems, (name, out, room) => c.fgetxattr(fd, name, out, room));
}

function failed(errno: number, path: string): readonly ExtendedAttribute[] {
  if (errno === notSupported) return noExtended;
  throw filesystemError("read the extended attributes of", path, errno);
}

function readValues(
  c: Libc,
  listBytes: number,
  problems: MetadataProblem[],
  get: (name: Address, out: Address, room: number) => number,
): readonly ExtendedAttribute[] {
  const names = c.dataView
    .latin1Slice(0, listBytes)
    .split("\0")
    .filter((name) => name !== "")
    .sort();
  const attributes: ExtendedAttribute[] = [];
  for (const name of names) {
    const length = get(c.putName(name), c.data, dataBytes);
    if (length >= 0) {
      attributes.push([name, new Uint8Array(c.dataView.subarray(0, length))]);
      continue;
    }
    const errno = c.errno();
    // The attribute went away since the names were read.
    if (errno !== noData) problems.push(metadataProblem(`xattr ${name}`, errno));
  }
  return attributes;
}
