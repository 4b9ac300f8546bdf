// Sorts the names of a directory and packs what `statx` tells of them, compiled by AssemblyScript to WASM. AssemblyScript is not
// TypeScript: here `u32` and `u64` are machine words, `load` and `store` work on memory, and numbers wrap.
//
// The readable twin is `ScanPacker.add` with `decodeStatx`: both must write the same records.

/** Where things lie in the memory; the exported ones are for `scan-kernel.ts`. */
export const STATE: u32 = 0;
/** `statx` structures of names that were looked at: 64 of 256 bytes. */
export const SLOTS: u32 = 4096;
/** Records of 19 f64; 3072 of them. */
export const NUMBERS: u32 = 24576;
/** Addresses of the names of a directory, in order: u32. Behind them lies as much memory for sorting. */
export const ORDER: u32 = 524288;
export const ORDER_MAX: u32 = 32768;
/** The directory at hand, 4096 bytes. */
export const DIRECTORY: u32 = 786432;
/** What getdents64 wrote: 1 MiB. */
export const LISTING: u32 = 1048576;
export const LISTING_BYTES: u32 = 1048576;
/** Names of the records, each with a slash behind it: at most 4095 bytes of each of 3072. */
export const NAMES: u32 = 2097152;

const RECORD_BYTES: u32 = 152;
const BLOCK_RECORDS_MAX: u32 = 2048;
const BORDER_MASK: u32 = 255;

/** The state: u32 each. */
/** Records that are packed. */
const COUNT: u32 = 0;
/** The first record of the open block. */
const BLOCK_FROM: u32 = 4;
/** Where the next name goes. */
const NAMES_END: u32 = 8;
/** The number of the directory at hand among those of the block. */
const NUMBER: u32 = 12;
/** Owner and group of the last record. */
const UID: u32 = 16;
const GID: u32 = 20;
/** The border hash of the directory at hand. */
const HASH: u32 = 24;
/** Names in `ORDER`. */
const LISTED: u32 = 28;
/** Where `pack` stopped. */
const NEXT: u32 = 32;
/** Whether `pack` stops before each entry, not only before directories. */
const ASK_ALWAYS: u32 = 36;
/** The place in `ORDER` of the first slot. */
const FIRST: u32 = 40;

/** What `pack` and `packOne` stop for. */
const ASK: u32 = 1;
const BLOCK_ENDED: u32 = 2;
const OWNER_CHANGED: u32 = 4;

/** In place of the mask of a `statx` structure: the look failed. */
const FAILED: u32 = 0xffffffff;
const BTIME: u32 = 0x800;

/** Sets the directory at hand, of which `length` bytes lie in `DIRECTORY`. */
export function enter(length: u32): void {
  let hash: u32 = 0x811c9dc5;
  for (let at: u32 = 0; at < length; at++) hash = (hash ^ <u32>load<u8>(DIRECTORY + at)) * 0x01000193;
  store<u32>(HASH, (hash ^ 0x2f) * 0x01000193);
  store<u32>(LISTED, 0);
}

/** Takes `struct linux_dirent64`s into the order that they are in; false when there are too many names. */
export function list(from: u32, end: u32): bool {
  let listed = load<u32>(LISTED);
  for (let at = from; at < end; at += <u32>load<u16>(at, 16)) {
    const name = at + 19;
    if (load<u8>(name) == 0x2e) {
      const second = load<u8>(name, 1);
      if (second == 0 || (second == 0x2e && load<u8>(name, 2) == 0)) continue;
    }
    if (listed == ORDER_MAX) return false;
    store<u32>(ORDER + (listed << 2), name);
    listed++;
  }
  store<u32>(LISTED, listed);
  return true;
}

/** Whether the name at `left` comes after the one at `right`; both end with a NUL. */
function isAfter(left: u32, right: u32): bool {
  let a = load<u64>(left);
  let b = load<u64>(right);
  // The second term has a bit where a byte of `a` is 0.
  while (a == b && ((a - 0x0101010101010101) & ~a & 0x8080808080808080) == 0) {
    left += 8;
    right += 8;
    a = load<u64>(left);
    b = load<u64>(right);
  }
  let x: u32;
  let y: u32;
  do {
    x = load<u8>(left++);
    y = load<u8>(right++);
  } while (x == y && x != 0);
  return x > y;
}

/** Puts the listed names in byte order: runs of eight by insertion, then merged. */
export function sort(): void {
  const bytes = load<u32>(LISTED) << 2;
  for (let run: u32 = 0; run < bytes; run += 32) {
    const end = min<u32>(run + 32, bytes);
    for (let at = run + 4; at < end; at += 4) {
      const name = load<u32>(ORDER + at);
      let to = at;
      for (; to > run; to -= 4) {
        const before = load<u32>(ORDER + to - 4);
        if (!isAfter(before, name)) break;
        store<u32>(ORDER + to, before);
      }
      store<u32>(ORDER + to, name);
    }
  }
  let from = ORDER;
  let to = ORDER + (ORDER_MAX << 2);
  for (let width: u32 = 32; width < bytes; width <<= 1) {
    for (let at: u32 = 0; at < bytes; at += width << 1) {
      let left = from + at;
      const leftEnd = from + min<u32>(at + width, bytes);
      let right = leftEnd;
      const rightEnd = from + min<u32>(at + (width << 1), bytes);
      let out = to + at;
      while (left < leftEnd && right < rightEnd) {
        if (isAfter(load<u32>(left), load<u32>(right))) {
          store<u32>(out, load<u32>(right));
          right += 4;
        } else {
          store<u32>(out, load<u32>(left));
          left += 4;
        }
        out += 4;
      }
      memory.copy(out, left, leftEnd - left);
      memory.copy(out + (leftEnd - left), right, rightEnd - right);
    }
    const other = from;
    from = to;
    to = other;
  }
  if (from != ORDER) memory.copy(ORDER, from, bytes);
}

/** The stored number of a type. */
// @ts-ignore: decorator
@inline
function typeOf(mode: u32): u32 {
  switch (mode & 0xf000) {
    case 0x4000:
      return 1;
    case 0xa000:
      return 3;
    case 0x1000:
      return 4;
    case 0xc000:
      return 5;
    case 0x2000:
      return 6;
    case 0x6000:
      return 7;
    default:
      return 2;
  }
}

/** Packs the entry at `index` of `ORDER`, which was looked at. */
export function packOne(index: u32): u32 {
  const slot = SLOTS + ((index - load<u32>(FIRST)) << 8);
  const count = load<u32>(COUNT);
  const at = NUMBERS + count * RECORD_BYTES;
  const mode = <u32>load<u16>(slot, 28);
  const uid = load<u32>(slot, 20);
  const gid = load<u32>(slot, 24);
  const hasBtime = (load<u32>(slot) & BTIME) != 0;
  store<f64>(at, <f64>load<u32>(NUMBER));
  store<f64>(at, <f64>typeOf(mode), 8);
  store<f64>(at, <f64>(mode & 0xfff), 16);
  store<f64>(at, <f64>uid, 24);
  store<f64>(at, <f64>gid, 32);
  store<f64>(at, <f64>load<u32>(slot, 16), 40);
  store<f64>(at, <f64>load<u64>(slot, 40), 48);
  store<f64>(at, <f64>load<u64>(slot, 48), 56);
  store<f64>(at, <f64>load<u32>(slot, 136) * 4294967296.0 + <f64>load<u32>(slot, 140), 64);
  store<f64>(at, <f64>load<u32>(slot, 36), 72);
  store<f64>(at, <f64>load<u32>(slot, 32), 80);
  store<f64>(at, <f64>load<i64>(slot, 112), 88);
  store<f64>(at, <f64>load<u32>(slot, 120), 96);
  store<f64>(at, <f64>load<i64>(slot, 96), 104);
  store<f64>(at, <f64>load<u32>(slot, 104), 112);
  store<f64>(at, hasBtime ? <f64>load<i64>(slot, 80) : 0, 120);
  store<f64>(at, hasBtime ? <f64>load<u32>(slot, 88) : 0, 128);
  store<f64>(at, <f64>load<u32>(slot, 128), 136);
  store<f64>(at, <f64>load<u32>(slot, 132), 144);

  let name = load<u32>(ORDER + (index << 2));
  let out = load<u32>(NAMES_END);
  let hash = load<u32>(HASH);
  for (let byte: u32 = load<u8>(name); byte != 0; byte = load<u8>(name)) {
    hash = (hash ^ byte) * 0x01000193;
    store<u8>(out++, byte);
    name++;
  }
  store<u8>(out++, 0x2f);
  store<u32>(NAMES_END, out);
  store<u32>(COUNT, count + 1);

  let code: u32 = 0;
  if (uid != load<u32>(UID) || gid != load<u32>(GID)) {
    store<u32>(UID, uid);
    store<u32>(GID, gid);
    code = OWNER_CHANGED;
  }
  hash = (hash ^ (hash >>> 16)) * 0x85ebca6b;
  hash = (hash ^ (hash >>> 13)) * 0xc2b2ae35;
  if (((hash ^ (hash >>> 16)) & BORDER_MASK) == 0 || count + 1 - load<u32>(BLOCK_FROM) >= BLOCK_RECORDS_MAX)
    code |= BLOCK_ENDED;
  return code;
}

/**
 * Packs entries from `index` on until there is something to be done about one, which is told: 0 at `end`, or `ASK` before an entry that is
 * not packed yet, or what `packOne` returned. `NEXT` is the entry to go on with.
 */
export function pack(index: u32, end: u32): u32 {
  const first = load<u32>(FIRST);
  const always = load<u32>(ASK_ALWAYS) != 0;
  for (; index < end; index++) {
    const slot = SLOTS + ((index - first) << 8);
    if (always || load<u32>(slot) == FAILED || (<u32>load<u16>(slot, 28) & 0xf000) == 0x4000) {
      store<u32>(NEXT, index);
      return ASK;
    }
    const code = packOne(index);
    if (code != 0) {
      store<u32>(NEXT, index + 1);
      return code;
    }
  }
  store<u32>(NEXT, end);
  return 0;
}
