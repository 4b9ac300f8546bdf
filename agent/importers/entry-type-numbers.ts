import { entryTypes, type EntryType as StoredType } from "#shared/format/entry.ts";
import type { EntryType } from "#agent/filesystem/entry-stat.ts";

/** The stored number of each type of entry that a filesystem has. */
export const entryTypeNumbers: Readonly<Record<EntryType, StoredType>> = {
  directory: entryTypes.directory,
  file: entryTypes.file,
  symlink: entryTypes.symlink,
  fifo: entryTypes.fifo,
  socket: entryTypes.socket,
  "character-device": entryTypes.characterDevice,
  "block-device": entryTypes.blockDevice,
};
