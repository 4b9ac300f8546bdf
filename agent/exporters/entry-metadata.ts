import { type Entry, entryTypes } from "#shared/format/entry.ts";
import type { EntryMetadata } from "#agent/filesystem/entry-metadata.ts";
import type { EntryType } from "#agent/filesystem/entry-stat.ts";
import { mapAcls, type OwnerMap } from "#agent/filesystem/posix-acl.ts";
import { noExtended } from "#agent/filesystem/read-extended.ts";

const typeNames: Readonly<Record<Entry["type"], EntryType>> = {
  [entryTypes.directory]: "directory",
  [entryTypes.file]: "file",
  [entryTypes.symlink]: "symlink",
  [entryTypes.fifo]: "fifo",
  [entryTypes.socket]: "socket",
  [entryTypes.characterDevice]: "character-device",
  [entryTypes.blockDevice]: "block-device",
};

/** The type of an entry as the filesystem names it. */
export function filesystemType(entry: Entry): EntryType {
  return typeNames[entry.type];
}

/** What a restore puts on an entry. */
export function metadataOf(entry: Entry, owners: OwnerMap, xattrs: boolean): EntryMetadata {
  return {
    type: typeNames[entry.type],
    mode: entry.mode,
    uid: owners.uid(entry.uid),
    gid: owners.gid(entry.gid),
    mtimeSec: entry.mtimeSec,
    mtimeNsec: entry.mtimeNsec,
    extended: xattrs && entry.xattrs !== undefined ? mapAcls(entry.xattrs, owners) : noExtended,
    flags: entry.flags,
  };
}
