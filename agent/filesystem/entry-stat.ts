/** What an entry of a filesystem is. */
export type EntryType = "file" | "directory" | "symlink" | "fifo" | "socket" | "character-device" | "block-device";

/**
 * What `lstat` tells of one entry, in plain numbers so that it can be filled a million times without allocation.
 *
 * Times are whole seconds since 1970 (negative before) and nanoseconds 0…999,999,999 upwards from them. An inode number
 * is 64 bits, in two unsigned halves. `mode` has the permission bits, setuid, setgid and sticky (0o7777), not the type.
 */
export type EntryStat = {
  type: EntryType;
  mode: number;
  uid: number;
  gid: number;
  nlink: number;
  /** Bytes; exact below 2^53. */
  size: number;
  /** Allocated units of 512 bytes; less than `size / 512` means that there are holes. */
  blocks512: number;
  deviceMajor: number;
  deviceMinor: number;
  inodeHi: number;
  inodeLo: number;
  mtimeSec: number;
  mtimeNsec: number;
  ctimeSec: number;
  ctimeNsec: number;
  /** Whether the filesystem keeps the time of birth; `btimeSec` and `btimeNsec` are 0 otherwise. */
  hasBtime: boolean;
  btimeSec: number;
  btimeNsec: number;
  /** The device that a device node stands for; 0 otherwise. */
  rdevMajor: number;
  rdevMinor: number;
  /** `STATX_ATTR_*` bits (0x10 immutable, 0x20 append-only, 0x2000 root of a mount …); 0 where unknown. */
  attributes: number;
};

/** An EntryStat to be filled by `statInto`. */
export function createEntryStat(): EntryStat {
  return {
    type: "file",
    mode: 0,
    uid: 0,
    gid: 0,
    nlink: 0,
    size: 0,
    blocks512: 0,
    deviceMajor: 0,
    deviceMinor: 0,
    inodeHi: 0,
    inodeLo: 0,
    mtimeSec: 0,
    mtimeNsec: 0,
    ctimeSec: 0,
    ctimeNsec: 0,
    hasBtime: false,
    btimeSec: 0,
    btimeNsec: 0,
    rdevMajor: 0,
    rdevMinor: 0,
    attributes: 0,
  };
}

/** The type in the upper bits of a `st_mode`. */
export function entryTypeOf(fullMode: number): EntryType {
  switch (fullMode & 0o170000) {
    case 0o040000:
      return "directory";
    case 0o120000:
      return "symlink";
    case 0o010000:
      return "fifo";
    case 0o140000:
      return "socket";
    case 0o020000:
      return "character-device";
    case 0o060000:
      return "block-device";
    default:
      return "file";
  }
}
