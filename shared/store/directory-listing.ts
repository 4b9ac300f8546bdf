import type { Dirent } from "node:fs";
import { readdir, stat } from "node:fs/promises";
import { fileSystemCode, fileSystemError } from "./file-system-error.ts";
import { isObjectKey } from "./object-key.ts";
import type { ListedObject } from "./store.ts";

/** How many files are asked for their size at once. */
const statsAtOnce = 64;
/** How many folders beside one another are read at once. */
const foldersAtOnce = 8;

/**
 * Lists the files below `root` as objects, in byte order of their keys: those that start with `prefix` and are greater than `after`.
 *
 * Memory holds the names of one directory per level of depth, never those of a whole tree, but for some folders beside one another. Directories that cannot contain a
 * wanted key are not read. Names that are no legal part of a key are no objects, and are passed over; so is `tmp/`.
 *
 * @throws {HoldfastError} as `fileSystemError` maps the file system's errors
 */
export async function* listDirectory(root: string, prefix: string, after: string): AsyncIterable<ListedObject> {
  const folder = prefix.slice(0, prefix.lastIndexOf("/") + 1);
  yield* listFolder(root, folder, prefix, after);
}

async function* listFolder(root: string, folder: string, prefix: string, after: string): AsyncIterable<ListedObject> {
  yield* listKeys(await keysOf(root, folder, prefix, after), { root, prefix, after });
}

type Listing = { readonly root: string; readonly prefix: string; readonly after: string };

async function* listKeys(keys: readonly string[], listing: Listing): AsyncIterable<ListedObject> {
  const { root, prefix, after } = listing;
  for (let from = 0, to = 0; from < keys.length; from = to) {
    const areFolders = keys[from]?.endsWith("/");
    const most = areFolders === true ? foldersAtOnce : statsAtOnce;
    for (to = from + 1; to < keys.length && to - from < most && keys[to]?.endsWith("/") === areFolders;) to++;
    const group = keys.slice(from, to);
    if (areFolders === true) {
      const read = await Promise.all(group.map((each) => keysOf(root, each, prefix, after)));
      if (read.every((each) => each.every((key) => !key.endsWith("/")))) yield* listFiles(read.flat(), root);
      else for (const each of read) yield* listKeys(each, listing);
    } else yield* listFiles(group, root);
  }
}

/** Files in the order of their keys. */
async function* listFiles(keys: readonly string[], root: string): AsyncIterable<ListedObject> {
  for (let from = 0; from < keys.length; from += statsAtOnce) {
    for (const object of await Promise.all(
      keys.slice(from, from + statsAtOnce).map((file) => listedObject(root, file)),
    )) {
      if (object !== undefined) yield object;
    }
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
