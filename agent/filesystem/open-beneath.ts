import { constants } from "node:fs";
import { filesystemError } from "./filesystem-error.ts";
import { type Libc, libc, longestPathBytes, openCloseOnExec, openDirectoryHandle } from "./libc.ts";
import { closeDirectory, openDirectory, openDirectoryPlace } from "./list-directory.ts";

/** For a listing, or as the directory that other calls begin at: a place needs no permission to read. */
export type DirectoryUse = "list" | "place";

const listFlags = constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW | openCloseOnExec;
/** `RESOLVE_NO_SYMLINKS` and `RESOLVE_NO_MAGICLINKS` of linux/openat2.h. */
const noLinks = 0x04 | 0x02;
const openHowBytes = 24;
/** Kernels before 5.6, sandboxes that do not know the call, and paths that are moved while they are looked up. */
const unusable = new Set([38 /* ENOSYS */, 1 /* EPERM */, 11 /* EAGAIN */, 7 /* E2BIG */]);

/**
 * Opens directories below a root, and never by a symbolic link on the way down: who can write in a directory that is being read could put one there, to
 * have something else read in its place. The root itself is reached as it was named.
 *
 * Without koffi directories are opened by their whole paths, and only a link in the last place is refused. Holds a descriptor until `close`.
 */
export class BeneathRoot {
  readonly #root: string;
  #fd = -1;
  #usesOpenat2 = true;

  /** @param root - absolute and binary */
  constructor(root: string) {
    this.#root = root;
  }

  /**
   * Opens a directory; close it with `closeDirectory`.
   *
   * @param dir - relative to the root; "" is the root itself
   * @throws {HoldfastError} as `filesystemError`; a link on the way is ELOOP or ENOTDIR
   */
  open(dir: string, use: DirectoryUse): number {
    const c = libc();
    const path = this.#pathOf(dir);
    if (c === undefined || dir === "") return use === "list" ? openDirectory(path) : openDirectoryPlace(path);
    if (this.#fd < 0) this.#fd = openDirectoryPlace(this.#root);
    const flags = use === "list" ? listFlags : openDirectoryHandle;
    if (this.#usesOpenat2 && dir.length <= longestPathBytes) {
      const fd = openWithoutLinks(c, this.#fd, dir, flags);
      if (fd >= 0) return fd;
      const errno = c.errno();
      if (!unusable.has(errno)) throw filesystemError("open the directory", path, errno);
      if (errno !== 11) this.#usesOpenat2 = false;
    }
    return this.#walk(c, dir, flags);
  }

  close(): void {
    if (this.#fd >= 0) closeDirectory(this.#fd);
    this.#fd = -1;
  }

  /** One name at a time, each refusing a link. */
  #walk(c: Libc, dir: string, flags: number): number {
    let at = this.#fd;
    const names = dir.split("/");
    for (const [index, name] of names.entries()) {
      const isLast = index === names.length - 1;
      const fd = c.openat(at, c.putPath(name), isLast ? flags : openDirectoryHandle, 0);
      const errno = fd < 0 ? c.errno() : 0;
      if (at !== this.#fd) c.close(at);
      if (fd < 0) throw filesystemError("open the directory", this.#pathOf(dir), errno);
      at = fd;
    }
    return at;
  }

  #pathOf(dir: string): string {
    if (dir === "") return this.#root;
    return this.#root === "/" ? `/${dir}` : `${this.#root}/${dir}`;
  }
}

/** @returns a descriptor, or -1 with errno set */
function openWithoutLinks(c: Libc, directoryFd: number, path: string, flags: number): number {
  const how = c.fieldsU32;
  how.fill(0, 0, openHowBytes / 4);
  how[0] = flags;
  how[4] = noLinks;
  return c.openat2(directoryFd, c.putPath(path), c.fields, openHowBytes);
}
