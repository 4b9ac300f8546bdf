import type { ScanRecord } from "#shared/connectors/importer.ts";
import type { Entry } from "#shared/format/entry.ts";
import { isUnchanged } from "./entry-of-record.ts";

/** What of an entry may differ without its content being read again. */
export type Comparison = { readonly ignoreInode: boolean; readonly ignoreCtime: boolean };

/**
 * How an entry that is not unchanged compares when some of it is ignored: `same`, it can be taken as it is; `content`, its content can, and
 * what else there is of it is to be looked at again; `other`, it is to be read.
 *
 * Names of one file belong together by its inode, so of those the inode must be the one that is there now. A change of owner, mode
 * or attributes shows in the change time alone, so what has another one is looked at again.
 */
export function compareLoosely(entry: Entry, record: ScanRecord, ignored: Comparison): "same" | "content" | "other" {
  const { inodeHi, inodeLo, ctimeSec, ctimeNsec } = entry;
  const seen: ScanRecord = { ...record };
  if (ignored.ignoreInode) Object.assign(seen, { inodeHi, inodeLo });
  const isNamedOnce = record.nlink === 1 || entry.chunks.byteLength + (entry.lists?.byteLength ?? 0) === 0;
  if (isUnchanged(entry, seen)) return isNamedOnce ? "same" : "content";
  if (!ignored.ignoreCtime) return "other";
  return isUnchanged(entry, Object.assign(seen, { ctimeSec, ctimeNsec })) ? "content" : "other";
}
