import { closeSync, constants, fstatSync, ftruncateSync, openSync, readSync } from "node:fs";
import { applyMetadata, type ApplyOptions } from "#agent/filesystem/apply-metadata.ts";
import type { EntryMetadata } from "#agent/filesystem/entry-metadata.ts";
import { filesystemError } from "#agent/filesystem/filesystem-error.ts";
import { removeEntry } from "#agent/filesystem/make-special.ts";
import { nodePath } from "#agent/filesystem/node-path.ts";
import { writeAt } from "#agent/filesystem/write-file.ts";
import type { ExportProblem } from "#shared/connectors/exporter.ts";
import { HoldfastError, isHoldfastError } from "#shared/errors.ts";
import { renameOver } from "./rename-over.ts";

const copyBytes = 1024 * 1024;

/**
 * Gives a file that is written whole its name, in place of what has it. A file that other programs have mounted by itself cannot be replaced: its content
 * is written over, which is not atomic, and is told.
 *
 * @returns what is to be told of it
 * @throws {HoldfastError} it could not be done; the file under the temporary name may be there still
 */
export function putInPlace(
  from: string,
  to: string,
  directoryFd: number,
  written: { readonly metadata: EntryMetadata; readonly apply: ApplyOptions },
): readonly ExportProblem[] {
  try {
    renameOver(from, to, directoryFd);
    return [];
  } catch (error) {
    const errno = isHoldfastError(error) ? error.detail["errno"] : undefined;
    if (errno !== "EBUSY" && errno !== "ETXTBSY") throw error;
    copyOver(from, to, directoryFd, error);
    removeEntry(from, "other", directoryFd);
    const problems = applyMetadata(to, written.metadata, written.apply, directoryFd);
    return [...problems.filter(({ attribute }) => attribute !== "mtime"), writtenOver];
  }
}

const writtenOver: ExportProblem = {
  attribute: "in place",
  message: "Another file is mounted there, so its content was written over, which is not atomic",
  isNotice: true,
};

function copyOver(from: string, to: string, directoryFd: number, why: unknown): void {
  const source = openSync(nodePath(from, directoryFd), constants.O_RDONLY | constants.O_NOFOLLOW);
  try {
    const target = openTarget(to, directoryFd, why);
    try {
      const size = fstatSync(source).size;
      ftruncateSync(target, 0);
      const buffer = Buffer.alloc(Math.min(copyBytes, Math.max(1, size)));
      for (let at = 0; at < size;) {
        const count = readSync(source, buffer, 0, buffer.byteLength, at);
        if (count === 0) break;
        writeAt(target, buffer.subarray(0, count), at, to);
        at += count;
      }
    } finally {
      closeSync(target);
    }
  } catch (error) {
    throw filesystemError("write over", to, error);
  } finally {
    closeSync(source);
  }
}

/** Opens what is to be written over: a regular file with one name, never what a link leads to. */
function openTarget(to: string, directoryFd: number, why: unknown): number {
  const fd = openSync(
    nodePath(to, directoryFd),
    constants.O_WRONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK | constants.O_NOCTTY,
  );
  const stats = fstatSync(fd);
  if (stats.isFile() && stats.nlink <= 1) return fd;
  closeSync(fd);
  throw why instanceof HoldfastError ? why : new HoldfastError("conflict", "Cannot write over it: it is no plain file");
}
