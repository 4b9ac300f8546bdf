/** What an entry is. The numbers are stored. */
export const entryTypes = {
  directory: 1,
  file: 2,
  symlink: 3,
  fifo: 4,
  socket: 5,
  characterDevice: 6,
  blockDevice: 7,
} as const;

/** One of `entryTypes`. */
export type EntryType = (typeof entryTypes)[keyof typeof entryTypes];

/** Bytes of one row of `Entry.chunks`: blob id 32, length u32. */
export const chunkRowBytes = 36;
/** Bytes of one row of `Entry.lists`: blob id of a chunk list 32, bytes of content u64. */
export const listRowBytes = 40;

/** One path of a tree and everything that the source told of it. Text that comes from the source has one char per byte. */
export type Entry = {
  /** Directory that holds it, relative to the root of the tree, "" for the root itself and for what lies in the root. */
  dir: string;
  /** Its name there; "" for the root itself. */
  name: string;
  type: EntryType;
  /** Permission bits with set-id and sticky bits, 0 to 0o7777. */
  mode: number;
  uid: number;
  gid: number;
  /** Links to the inode; 1 is assumed for directories. */
  nlink: number;
  /** Bytes of content of a file; 0 for all else. */
  size: number;
  mtimeSec: number;
  mtimeNsec: number;
  ctimeSec: number;
  ctimeNsec: number;
  /** Birth time; both 0 when the source does not tell. */
  btimeSec: number;
  btimeNsec: number;
  /** Device it is on: major × 2^32 + minor. */
  device: number;
  inodeHi: number;
  inodeLo: number;
  /** For devices: major and minor. */
  rdevMajor: number;
  rdevMinor: number;
  /** File flags as FS_IOC_GETFLAGS gives them; 0 when none. */
  flags: number;
  /** Target of a symbolic link. */
  target: string | undefined;
  /** Extended attributes, sorted by name; names have one char per byte. */
  xattrs: readonly (readonly [name: string, value: Uint8Array])[] | undefined;
  /** Of a sparse file: offset and length of each data range in turn; the content is their concatenation. */
  extents: readonly number[] | undefined;
  /** Rows of 36 bytes: the chunks of the content in order. Empty when there is none or `lists` is used. */
  chunks: Uint8Array;
  /** Rows of 40 bytes: chunk lists, for files of very many chunks. */
  lists: Uint8Array | undefined;
  /** The file changed while it was read: its content may mix two versions. */
  changed: boolean;
  /** Why the entry could not be read whole; its content is then not there. */
  error: string | undefined;
};

/** No chunks. */
export const noChunks = new Uint8Array(0);

/** A new entry with nothing known but its name. */
export function emptyEntry(dir: string, name: string, type: EntryType): Entry {
  return {
    dir,
    name,
    type,
    mode: 0,
    uid: 0,
    gid: 0,
    nlink: 1,
    size: 0,
    mtimeSec: 0,
    mtimeNsec: 0,
    ctimeSec: 0,
    ctimeNsec: 0,
    btimeSec: 0,
    btimeNsec: 0,
    device: 0,
    inodeHi: 0,
    inodeLo: 0,
    rdevMajor: 0,
    rdevMinor: 0,
    flags: 0,
    target: undefined,
    xattrs: undefined,
    extents: undefined,
    chunks: noChunks,
    lists: undefined,
    changed: false,
    error: undefined,
  };
}

/** Bytes of content that the chunks of an entry hold: its size without the holes. */
export function contentBytes(entry: Entry): number {
  if (entry.extents === undefined) return entry.size;
  let bytes = 0;
  for (let index = 1; index < entry.extents.length; index += 2) bytes += entry.extents[index] ?? 0;
  return bytes;
}

/** The path of an entry relative to the root of its tree; "" for the root. */
export function entryPath(entry: { readonly dir: string; readonly name: string }): string {
  return entry.dir === "" ? entry.name : `${entry.dir}/${entry.name}`;
}

/**
 * The order of entries in a tree: by directory, component by component, then by name, as bytes. One directory's children are
 * contiguous, and so is everything below a directory.
 */
export function compareEntryKeys(leftDir: string, leftName: string, rightDir: string, rightName: string): number {
  if (leftDir !== rightDir) return comparePaths(leftDir, rightDir);
  return leftName < rightName ? -1 : leftName > rightName ? 1 : 0;
}

/** Component-wise order of paths: "/" sorts before every other byte, and a path before what lies below it. */
export function comparePaths(left: string, right: string): number {
  const length = Math.min(left.length, right.length);
  for (let index = 0; index < length; index++) {
    const leftCode = left.charCodeAt(index);
    const rightCode = right.charCodeAt(index);
    if (leftCode !== rightCode) return leftCode === 0x2f ? -1 : rightCode === 0x2f ? 1 : leftCode - rightCode;
  }
  return left.length - right.length;
}
