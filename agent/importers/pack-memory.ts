import type { LatinBuffer } from "#agent/filesystem/libc.ts";

/** Numbers of a packed record. */
export const numbersPerRecord = 19;
/** Records that a `PackMemory` holds. */
export const packedRecordsMax = 3072;
/** Bytes of a name at most: Linux takes no longer part of a path. */
const nameBytesMax = 4095;

/** Memory that records are packed into, by `ScanPacker.add` or by the kernel. */
export type PackMemory = {
  /** What is in it, at the places that `packState` names. */
  readonly state: Uint32Array;
  /** Of each record `numbersPerRecord` numbers. */
  readonly numbers: Float64Array<ArrayBuffer>;
  /** From `namesAt` on the names of the records, each with a slash behind it. */
  readonly bytes: LatinBuffer;
  readonly namesAt: number;
};

/** Where in `PackMemory.state` something is. `scan.as.ts` uses the same places. */
export const packState = {
  /** Records that are packed. */
  count: 0,
  /** The first record of the open block. */
  blockFrom: 1,
  /** Where the next name goes, in bytes. */
  namesEnd: 2,
  /** The number of the directory at hand among those of the block. */
  directory: 3,
  /** Owner and group of the last record that the kernel packed. */
  uid: 4,
  gid: 5,
  /** Names of the directory that the kernel has listed. */
  listed: 7,
  /** The name at which it goes on. */
  next: 8,
  /** Whether it stops before each entry, not only before directories. */
  askAlways: 9,
  /** The first name that was looked at. */
  first: 10,
} as const;

/** A `PackMemory` without a kernel. Of its memory counts only what is written. */
export function createPackMemory(): PackMemory {
  return {
    state: new Uint32Array(16),
    numbers: new Float64Array(packedRecordsMax * numbersPerRecord),
    bytes: Buffer.allocUnsafeSlow(packedRecordsMax * (nameBytesMax + 1)) as LatinBuffer,
    namesAt: 0,
  };
}
