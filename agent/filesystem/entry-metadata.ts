import type { EntryType } from "./entry-stat.ts";
import type { ExtendedAttribute } from "./read-extended.ts";

/** What a restore puts back on an entry once it is there. Units as in `EntryStat`. */
export type EntryMetadata = {
  readonly type: EntryType;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly mtimeSec: number;
  readonly mtimeNsec: number;
  /** Exactly these, no others, except what belongs to the system alone; `noExtended` where there are none. */
  readonly extended: readonly ExtendedAttribute[];
  /** Bits of `fileFlags`; undefined where the source did not tell, and then flags are left as they are. */
  readonly flags: number | undefined;
};
