/** The flags of `chattr` that can be set, by the letter that `lsattr` shows, as bits of `FS_IOC_GETFLAGS`. */
export const fileFlags: Readonly<Record<string, number>> = {
  s: 0x1,
  u: 0x2,
  c: 0x4,
  S: 0x8,
  i: 0x10,
  a: 0x20,
  d: 0x40,
  A: 0x80,
  m: 0x400,
  j: 0x4000,
  t: 0x8000,
  D: 0x1_0000,
  T: 0x2_0000,
  C: 0x80_0000,
  x: 0x200_0000,
  P: 0x2000_0000,
  F: 0x4000_0000,
};

/** All of `fileFlags`. What else a filesystem reports (extents, encryption, index …) tells how it stores, not what. */
export const settableFlags: number = Object.values(fileFlags).reduce((all, bit) => all | bit, 0);

/** Immutable and append-only: they forbid every later change, so they come when all else is done. */
export const lateFlags = 0x10 | 0x20;
