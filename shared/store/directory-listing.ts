import type { Dirent } from "node:fs";
import { readdir, stat } from "node:fs/promises";
import { fileSystemCode, fileSystemError } from "./file-system-error.ts";
import { isObjectKey } from "./object-key.ts";
import type { ListedObject } from "./store.ts";

/** How many files are asked for their size at once. */
const statsAtOnce = 64;

/**
 * Lists the files below `root` as objects, in byte order of their keys: those that start with `prefix` and are greater than `after`.
 *
 * Memory holds the names of one directory per level of depth, never those of a whole tree. Directories that cannot contain a
 * wanted key are not read. Names that are no legal part of a key are no objects, and are passed over; so is `tmp/`.
 *
 * @throws {HoldfastError} as `fileSystemError` maps the file system's errors
 */
export async function* listDirectory(root: string, prefix: string, after: string): AsyncIterable<ListedObject> {
  const folder = prefix.slice(0, prefix.lastIndexOf("/") + 1);
  yield* listFolder(root, folder, prefix, after);
}

async function* listFolder(root: string, folder: string, prefix: string, after: string): AsyncIterable<ListedObject> {
  const keys = await keysOf(root, folder, prefix, after);
  for (let from = 0; from < keys.length;) {
    const key = keys[from];
    if (key === undefined) return;
    if (key.endsWith("/")) {
      yield* listFolder(root, key, prefix, after);
      from++;
      continue;
    }
    let to = from + 1;
    while (to < keys.length && to - from < statsAtOnce && keys[to]?.endsWith("/") === false) to++;
    for (const object of await Promise.all(keys.slice(from, to).map((file) => listedObject(root, file)))) {
      if (object !== undefined) yield object;
    }
    from = to;
  }
}

/** The wanted keys of one folder, sorted; those that end in `/` are folders. */
async function keysOf(root: string, folder: string, prefix: string, after: string): Promise<string[]> {
  let entries: Dirent[];
  try {
    entries = await readdir(`${root}/${folder}`, { withFileTypes: true });
  } catch (error) {
    const code = fileSystemCode(error);
    if (code === "ENOENT" || code === "ENOTDIR") return []; // no object there, or no more
    throw fileSystemError(error, `list ${root}/${folder}`);
  }
  const keys: string[] = [];
  for (const entry of entries) {
    const name = folder + entry.name;
    if (entry.isFile()) {
      // The cheap questions first: of a long log a listing wants the end.
      if (name > after && name.startsWith(prefix) && isObjectKey(name)) keys.push(name);
      continue;
    }
    if (!isObjectKey(name)) continue;
    if (await isFolder(root, name, entry)) {
      const key = `${name}/`;
      const overlaps = key.startsWith(prefix) || prefix.startsWith(key);
      // Every key of the folder begins with `key`: unless `after` does too, all of them stand on the same side of it.
      if (overlaps && (key > after || after.startsWith(key))) keys.push(key);
    } else if (name.startsWith(prefix) && name > after) keys.push(name);
  }
  // With "/" at the end of folders this is the byte order of full keys: "a-b" < "a/b" < "a0". Keys are ASCII.
  return keys.sort();
}

async function isFolder(root: string, name: string, entry: Dirent): Promise<boolean> {
  if (entry.isFile()) return false;
  if (entry.isDirectory()) return true;
  try {
    return (await stat(`${root}/${name}`)).isDirectory(); // a symbolic link, or a file system that does not tell types
  } catch (error) {
    if (fileSystemCode(error) === "ENOENT") return false;
    throw fileSystemError(error, `list ${root}/${name}`);
  }
}

async function listedObject(root: string, key: string): Promise<ListedObject | undefined> {
  try {
    const status = await stat(`${root}/${key}`);
    return status.isFile() ? { key, sizeBytes: status.size, modifiedMs: status.mtimeMs } : undefined;
  } catch (error) {
    if (fileSystemCode(error) === "ENOENT") return undefined; // deleted since
    throw fileSystemError(error, `list ${key} in ${root}`);
  }
}
