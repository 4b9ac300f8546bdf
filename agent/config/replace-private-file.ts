import { closeSync, fsyncSync, openSync, renameSync, rmSync, writeFileSync } from "node:fs";

/**
 * Writes a file that only this user can read, in place of the one that is there, at once as a whole. A power cut may undo it.
 *
 * @param options.isSynced - whether a power cut leaves the old file or the new one whole, and never an empty one
 *
 * @throws what the file system says; nothing is left beside the file then, as far as that can be helped
 */
export function replacePrivateFile(
  path: string,
  content: Uint8Array | string,
  options: { readonly isSynced: boolean } = { isSynced: false },
): void {
  const temporary = `${path}.${process.pid}`;
  try {
    writeFileSync(temporary, content, { mode: 0o600 });
    if (options.isSynced) syncFile(temporary);
    renameSync(temporary, path);
  } catch (error) {
    try {
      rmSync(temporary, { force: true });
    } catch {
      // It is not there, for the reason that is told.
    }
    throw error;
  }
}

function syncFile(path: string): void {
  const fd = openSync(path, "r+");
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}
