import { renameSync, rmSync, writeFileSync } from "node:fs";

/**
 * Writes a file that only this user can read, in place of the one that is there, at once as a whole. It is not synced: a power cut may undo it.
 *
 * @throws what the file system says; nothing is left beside the file then, as far as that can be helped
 */
export function replacePrivateFile(path: string, content: Uint8Array | string): void {
  const temporary = `${path}.${process.pid}`;
  try {
    writeFileSync(temporary, content, { mode: 0o600 });
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
