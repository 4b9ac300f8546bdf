import { readdir, stat, unlink, writeFile } from "node:fs/promises";
import type { Random } from "#shared/random.ts";
import { fileSystemCode } from "./file-system-error.ts";

/**
 * Removes the files of a directory that nobody has written to for `ageMs`: what writers that crashed left behind. Their age is told by the clock of
 * the file system: by the time of a file that is written now and removed again.
 *
 * A writer that is merely slow and loses its file so gets an error and creates nothing. Files of other users, which may not
 * be removed, stay; where no file can be written, all stay.
 */
export async function removeAbandonedFiles(
  directory: string,
  options: { readonly ageMs: number; readonly random: Random },
): Promise<void> {
  const names = await readdir(directory);
  if (names.length === 0) return;
  const nowMs = await fileSystemNowMs(directory, options.random);
  if (nowMs === undefined) return;
  for (const name of names) {
    const path = `${directory}/${name}`;
    try {
      const status = await stat(path);
      if (status.isFile() && status.mtimeMs < nowMs - options.ageMs) await unlink(path);
    } catch (error) {
      const code = fileSystemCode(error);
      if (code !== "ENOENT" && code !== "EACCES" && code !== "EPERM") throw error;
    }
  }
}

/**
 * What the clock shows that gives files their times. Written, closed and looked at by name, a file on a network file system has the server's time.
 *
 * @returns undefined where no file can be written
 */
export async function fileSystemNowMs(directory: string, random: Random): Promise<number | undefined> {
  const path = `${directory}/${Buffer.from(random(16)).toString("hex")}`;
  try {
    await writeFile(path, "time", { flag: "wx", mode: 0o600 });
    return (await stat(path)).mtimeMs;
  } catch (error) {
    if (fileSystemCode(error) === undefined) throw error;
    return undefined;
  } finally {
    await unlink(path).catch(() => undefined);
  }
}
