import { mkdir, open } from "node:fs/promises";
import { dirname } from "node:path";
import { fileSystemCode } from "./file-system-error.ts";
import { giveDirectoryMode, privateModes } from "./store-modes.ts";

/**
 * Makes the names in a directory durable: fsync(2) of the directory itself.
 *
 * File systems that cannot do that (some FUSE and network ones answer EINVAL or ENOTSUP; Windows does not open directories)
 * offer nothing better: there the call succeeds, and names are as durable as the file system makes them by itself.
 */
export async function syncDirectory(path: string): Promise<void> {
  try {
    const handle = await open(path, "r");
    try {
      await handle.sync();
    } finally {
      await handle.close();
    }
  } catch (error) {
    const code = fileSystemCode(error);
    if (code === "EINVAL" || code === "ENOTSUP" || code === "EOPNOTSUPP") return;
    if (process.platform === "win32" && (code === "EPERM" || code === "EISDIR" || code === "EACCES")) return;
    throw error;
  }
}

/**
 * Creates a directory, each new name made durable before this returns.
 *
 * @param options.syncWhenThere - sync the parent also when the directory is there already: another process may have created
 *   it a moment ago and not have come to its own sync yet
 * @param options.mode - its mode, and that of parents; by default that of its user alone
 * @param options.parents - whether parents that it lacks are created too; otherwise they are an ENOENT
 */
export async function makeDurableDirectory(
  path: string,
  options: { readonly syncWhenThere: boolean; readonly parents: boolean; readonly mode?: number },
): Promise<void> {
  const { parents, mode = privateModes.directory } = options;
  let made = await tryMkdir(path, parents, mode);
  if (made === "no parent") {
    await makeDurableDirectory(dirname(path), options);
    made = await tryMkdir(path, true, mode);
    if (made === "no parent") throw Object.assign(new Error(`ENOENT: mkdir ${path}`), { code: "ENOENT" });
    await syncDirectory(dirname(path));
  } else if (made === "made" || options.syncWhenThere) {
    await syncDirectory(dirname(path));
  }
}

async function tryMkdir(path: string, parents: boolean, mode: number): Promise<"made" | "there" | "no parent"> {
  try {
    await mkdir(path, { mode });
    if (mode !== privateModes.directory) await giveDirectoryMode(path, mode);
    return "made";
  } catch (error) {
    const code = fileSystemCode(error);
    if (code === "EEXIST") return "there";
    if (code === "ENOENT" && parents && dirname(path) !== path) return "no parent";
    throw error;
  }
}
