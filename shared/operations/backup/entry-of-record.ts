import { emptyEntry, type Entry, entryTypes } from "#shared/format/entry.ts";
import { formatLimits } from "#shared/format/limits.ts";
import type { ScanRecord } from "#shared/connectors/importer.ts";

/** A new entry with all that a scan tells; content, attributes and the like are still to be filled in. */
export function entryOfRecord(record: ScanRecord): Entry {
  const entry = emptyEntry(record.dir, record.name, record.type);
  entry.mode = record.mode;
  entry.uid = record.uid;
  entry.gid = record.gid;
  entry.nlink = record.type === entryTypes.directory ? 1 : record.nlink;
  entry.size = record.type === entryTypes.file ? record.size : 0;
  entry.mtimeSec = storableSeconds(record.mtimeSec);
  entry.mtimeNsec = record.mtimeNsec;
  entry.ctimeSec = storableSeconds(record.ctimeSec);
  entry.ctimeNsec = record.ctimeNsec;
  entry.btimeSec = storableSeconds(record.btimeSec);
  entry.btimeNsec = record.btimeNsec;
  entry.device = record.device;
  entry.inodeHi = record.inodeHi;
  entry.inodeLo = record.inodeLo;
  entry.rdevMajor = record.rdevMajor;
  entry.rdevMinor = record.rdevMinor;
  return entry;
}

/** What is told of an entry whose time is not stored as it is; undefined where it is. */
export function clampedTime({ mtimeSec }: ScanRecord): string | undefined {
  if (storableSeconds(mtimeSec) === mtimeSec) return undefined;
  return "mtime: it is more than 35 million years from 1970, and is stored as the furthest time that a snapshot can hold";
}

/** Some file systems take any 64-bit time. Those beyond are kept as the furthest that the format holds. */
function storableSeconds(seconds: number): number {
  return Math.max(-formatLimits.timeSeconds, Math.min(formatLimits.timeSeconds, seconds));
}

/**
 * Whether an entry of the previous snapshot still describes what a scan sees: type, size, both times and inode are equal. A
 * change of owner, mode or attributes shows in the change time. What was read with an error, or changed while it was read, is
 * read again.
 */
export function isUnchanged(entry: Entry, record: ScanRecord): boolean {
  return (
    entry.mtimeNsec === record.mtimeNsec &&
    entry.mtimeSec === record.mtimeSec &&
    entry.ctimeNsec === record.ctimeNsec &&
    entry.ctimeSec === record.ctimeSec &&
    entry.inodeLo === record.inodeLo &&
    entry.inodeHi === record.inodeHi &&
    entry.type === record.type &&
    (entry.type !== entryTypes.file || (entry.size === record.size && entry.nlink === record.nlink)) &&
    !entry.changed &&
    entry.error === undefined
  );
}
