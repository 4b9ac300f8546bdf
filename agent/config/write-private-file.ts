import { randomBytes } from "node:crypto";
import { link, open, rename, unlink } from "node:fs/promises";
import { dirname, join } from "node:path";
import { HoldfastError } from "#shared/errors.ts";

/**
 * Writes `content` to `path` as a file of mode 0600, whole or not at all: a temporary neighbour, fsync, then its name,
 * then fsync of the directory.
 *
 * @param existing - `refuse`: a file that is there stays and is an error; `replace`: it gives way
 * @throws {HoldfastError} conflict: the file is there (`refuse`)
 * @throws {HoldfastError} unavailable: the disk is full or the directory cannot be written
 */
export async function writePrivateFile(
  path: string,
  content: string | Uint8Array,
  existing: "refuse" | "replace",
): Promise<void> {
  const temporary = join(dirname(path), `.holdfast-${randomBytes(8).toString("hex")}.tmp`);
  try {
    const file = await open(temporary, "wx", 0o600);
    try {
      await file.writeFile(content);
      await file.sync();
    } finally {
      await file.close();
    }
    await (existing === "replace" ? rename(temporary, path) : link(temporary, path));
    await syncDirectory(dirname(path));
  } catch (error) {
    throw describe(error, path);
  } finally {
    await unlink(temporary).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== "ENOENT") throw describe(error, temporary);
    });
  }
}

async function syncDirectory(path: string): Promise<void> {
  const directory = await open(path, "r");
  try {
    await directory.sync();
  } finally {
    await directory.close();
  }
}

function describe(error: unknown, path: string): HoldfastError {
  const { code, message } = error as NodeJS.ErrnoException;
  if (code === "EEXIST")
    return new HoldfastError("conflict", `Cannot write ${path}: a file by that name is there`, { cause: error });
  const kind = code === "EACCES" || code === "EPERM" ? "denied" : code === "ENOENT" ? "absent" : "unavailable";
  return new HoldfastError(kind, `Cannot write ${path}: ${message}`, { cause: error });
}
