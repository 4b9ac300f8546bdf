/** What an entry of a leaf may leave out because an earlier one said it. */
export type EntryBefore = {
  dir: string;
  name: string;
  mtimeSec: number;
  ctimeSec: number;
  device: number;
  inodeLo: number;
  inodeHi: number;
  /** Of the last entry of each type. */
  readonly owners: Map<number, { mode: number; uid: number; gid: number }>;
};

/** What stands before the first entry of a leaf. */
export function noEntryBefore(): EntryBefore {
  return { dir: "", name: "", mtimeSec: 0, ctimeSec: 0, device: 0, inodeLo: 0, inodeHi: 0, owners: new Map() };
}
