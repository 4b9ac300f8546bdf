import { readdir, stat, unlink } from "node:fs/promises";
import { fileSystemCode } from "./file-system-error.ts";

/**
 * Removes the files of a directory that nobody has written to since `beforeMs`: what writers that crashed left behind.
 *
 * A writer that is merely slow and loses its file so gets an error and creates nothing. Files of other users, which may not
 * be removed, stay.
 */
export async function removeAbandonedFiles(directory: string, beforeMs: number): Promise<void> {
  for (const name of await readdir(directory)) {
    const path = `${directory}/${name}`;
    try {
      const status = await stat(path);
      if (status.isFile() && status.mtimeMs < beforeMs) await unlink(path);
    } catch (error) {
      const code = fileSystemCode(error);
      if (code !== "ENOENT" && code !== "EACCES" && code !== "EPERM") throw error;
    }
  }
}
