import type { Address, Libc } from "./libc.ts";

const high = 0x1_0000_0000;

/** `UTIME_OMIT`: leave this one as it is. */
const omit = 0x3fff_fffe;

/** Puts, for `utimensat` and `futimens`, a time of modification; the time of access is left as it is. */
export function putTimes(c: Libc, mtimeSec: number, mtimeNsec: number): Address {
  const u32 = c.fieldsU32;
  u32[0] = 0;
  u32[1] = 0;
  u32[2] = omit;
  u32[3] = 0;
  u32[4] = mtimeSec >>> 0;
  u32[5] = Math.floor(mtimeSec / high) >>> 0;
  u32[6] = mtimeNsec;
  u32[7] = 0;
  return c.fields;
}
