import { closeSync, constants, openSync, readSync } from "node:fs";
import type { ApplyOptions } from "#agent/filesystem/apply-metadata.ts";
import type { EntryMetadata } from "#agent/filesystem/entry-metadata.ts";
import { filesystemError } from "#agent/filesystem/filesystem-error.ts";
import { removeEntry } from "#agent/filesystem/make-special.ts";
import type { MetadataProblem } from "#agent/filesystem/metadata-problem.ts";
import { nodePath } from "#agent/filesystem/node-path.ts";
import type { TargetPlace } from "#agent/filesystem/safe-target.ts";
import { abandonFile, createFile, finishFile, writeAt } from "#agent/filesystem/write-file.ts";

const copyBytes = 1024 * 1024;

/**
 * Copies a restored file to a name that is free, with its metadata but for the time.
 *
 * @throws {HoldfastError} it could not be written; nothing is left of it
 */
export function copyEntry(
  from: TargetPlace,
  to: TargetPlace,
  metadata: EntryMetadata,
  apply: ApplyOptions,
): readonly MetadataProblem[] {
  let source: number;
  try {
    source = openSync(nodePath(from.path, from.directoryFd), constants.O_RDONLY | constants.O_NOFOLLOW);
  } catch (error) {
    throw filesystemError("read", from.path, error);
  }
  try {
    const file = { path: to.path, directoryFd: to.directoryFd, traits: to.traits, metadata };
    const fd = createFile(file);
    try {
      copyContent(source, fd, to.path);
    } catch (error) {
      abandonFile(fd);
      removeEntry(to.path, "other", to.directoryFd);
      throw error;
    }
    return finishFile(fd, file, apply);
  } finally {
    closeSync(source);
  }
}

function copyContent(source: number, fd: number, path: string): void {
  const buffer = Buffer.alloc(copyBytes);
  for (let at = 0; ;) {
    let count: number;
    try {
      count = readSync(source, buffer, 0, buffer.byteLength, at);
    } catch (error) {
      throw filesystemError("copy to", path, error);
    }
    if (count === 0) return;
    writeAt(fd, buffer.subarray(0, count), at, path);
    at += count;
  }
}
