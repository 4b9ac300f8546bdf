import { constants, lstatSync, openSync } from "node:fs";
import { HoldfastError } from "#shared/errors.ts";
import { displayPath } from "./display-path.ts";
import { filesystemError } from "./filesystem-error.ts";
import { openCloseOnExec, openPath, workingDirectory } from "./libc.ts";
import { closeDirectory, openDirectoryPlace } from "./list-directory.ts";
import { nodePath } from "./node-path.ts";
import { createParentTraits, type ParentTraits } from "./parent-traits.ts";

/** Where an entry goes: `path` below the directory `directoryFd`, for every call of this folder. */
export type TargetPlace = {
  readonly path: string;
  readonly directoryFd: number;
  /** Of that directory, for `createFile`. */
  readonly traits: ParentTraits;
};

type Held = {
  fd: number;
  /** How many of the table and the places given last hold it; closed at 0. */
  holders: number;
  readonly traits: ParentTraits;
  readonly fullPath: string;
};

/** Given an open place on a directory, and its path in the target. */
type EnterListener = (directoryFd: number, path: string) => void;

/** How many directories, beyond those of the table, stay open because places in them were given last. */
const recentDirectories = 16;

/**
 * A directory that a restore writes into, and never out of.
 *
 * Every directory on the way to an entry is opened from the one above it, by one name, refusing symlinks, and entries are
 * made relative to that open directory. So neither a hostile name nor a symlink planted before or during the restore
 * leads elsewhere. Without /proc (not Linux) each directory on the way is looked at instead, before use.
 *
 * Holds at most `heldDirectories` + 16 open, least recently used first to go. One thread's; close it.
 */
export class SafeTarget {
  readonly #root: Held;
  readonly #held = new Map<string, Held>();
  readonly #recent: Held[] = [];
  #last: { readonly path: string; readonly held: Held } | undefined;
  readonly #capacity: number;
  readonly #byFd: boolean;
  readonly #onEnter: EnterListener;

  private constructor(root: Held, capacity: number, byFd: boolean, onEnter: EnterListener) {
    this.#root = root;
    this.#capacity = capacity;
    this.#byFd = byFd;
    this.#onEnter = onEnter;
  }

  /**
   * @param root - binary path of a directory that is there; symlinks on the way to it are followed, as whoever named it
   *   meant them
   * @param options.heldDirectories - how many directories are kept open, at least 16
   * @param options.onEnter - given each directory when it is opened, the root first
   * @throws {HoldfastError} absent: there is no such directory
   */
  static open(
    root: string,
    { heldDirectories = 128, onEnter = () => undefined }: { heldDirectories?: number; onEnter?: EnterListener } = {},
  ): SafeTarget {
    const byFd = process.platform === "linux";
    let fd = workingDirectory;
    try {
      if (byFd) fd = openSync(nodePath(root), openPath | openCloseOnExec | constants.O_DIRECTORY);
      else if (!lstatSync(nodePath(`${root}/.`)).isDirectory()) throw new Error("not a directory");
    } catch (error) {
      throw filesystemError("restore into", root, error);
    }
    const held = { fd, holders: 1, traits: createParentTraits(), fullPath: root };
    if (byFd) onEnter(fd, "");
    return new SafeTarget(held, Math.max(16, heldDirectories), byFd, onEnter);
  }

  /**
   * Where the entry `path` goes. The directory that it is in must be there.
   *
   * @param path - binary, `/`-separated, relative to the target; "" is the target itself
   * @returns a place good until entries in 16 other directories have been asked for; a file that was opened there stays good
   * @throws {HoldfastError} invalid: the path is absolute or has an empty, `.` or `..` part or a NUL
   * @throws {HoldfastError} conflict: a part on the way is a symlink or no directory; absent: it is not there
   */
  locate(path: string): TargetPlace {
    if (path === "") return this.#place(this.#root, ".");
    const cut = path.lastIndexOf("/");
    const name = path.slice(cut + 1);
    const last = this.#last;
    // Most often it is the directory of the entry before, whose path was checked then.
    if (last !== undefined && cut === last.path.length && path.startsWith(last.path)) {
      checkTargetName(name, path);
      return this.#place(last.held, name);
    }
    checkTargetPath(path);
    if (cut < 0) return this.#place(this.#root, name);
    const parentPath = path.slice(0, cut);
    const held = this.#directory(parentPath);
    this.#last = { path: parentPath, held };
    return this.#place(held, name);
  }

  /** Forgets a directory and all below it, which is to be removed or replaced. */
  forget(path: string): void {
    this.#last = undefined;
    for (const [key, held] of this.#held) {
      if (key === path || key.startsWith(`${path}/`)) {
        this.#held.delete(key);
        this.#release(held);
      }
    }
  }

  /** Closes every directory. Places that were given are good no more. */
  close(): void {
    this.#last = undefined;
    for (const held of this.#held.values()) this.#release(held);
    this.#held.clear();
    for (const held of this.#recent.splice(0)) this.#release(held);
    this.#release(this.#root);
  }

  #place(parent: Held, name: string): TargetPlace {
    if (this.#recent.at(-1) !== parent) {
      parent.holders++;
      this.#recent.push(parent);
      const oldest = this.#recent.length > recentDirectories ? this.#recent.shift() : undefined;
      if (oldest !== undefined) this.#release(oldest);
    }
    return this.#byFd
      ? { path: name, directoryFd: parent.fd, traits: parent.traits }
      : { path: `${parent.fullPath}/${name}`, directoryFd: workingDirectory, traits: parent.traits };
  }

  #directory(path: string): Held {
    const known = this.#held.get(path);
    if (known !== undefined) {
      // Last in the order of insertion: last to go.
      this.#held.delete(path);
      this.#held.set(path, known);
      return known;
    }
    // From the nearest directory that is open, down one name at a time: paths of any depth, without recursion.
    let cut = path.lastIndexOf("/");
    while (cut > 0 && !this.#held.has(path.slice(0, cut))) cut = path.lastIndexOf("/", cut - 1);
    let at = cut > 0 ? this.#directory(path.slice(0, cut)) : this.#root;
    for (let start = cut > 0 ? cut + 1 : 0; start <= path.length;) {
      const next = path.indexOf("/", start);
      const end = next < 0 ? path.length : next;
      const name = path.slice(start, end);
      const prefix = path.slice(0, end);
      at = this.#enter(at, name, prefix);
      this.#held.set(prefix, at);
      this.#trim();
      start = end + 1;
    }
    return at;
  }

  #enter(parent: Held, name: string, path: string): Held {
    const fullPath = this.#byFd ? "" : `${parent.fullPath}/${name}`;
    try {
      if (this.#byFd) {
        const fd = openDirectoryPlace(name, parent.fd);
        this.#onEnter(fd, path);
        return { fd, holders: 1, traits: createParentTraits(), fullPath };
      }
      if (lstatSync(nodePath(fullPath)).isDirectory()) {
        return { fd: workingDirectory, holders: 1, traits: createParentTraits(), fullPath };
      }
    } catch (error) {
      const refused =
        error instanceof HoldfastError && (error.detail["errno"] === "ENOTDIR" || error.kind === "conflict");
      if (!refused)
        throw filesystemError("enter", path, error instanceof HoldfastError ? (error.cause ?? error) : error);
    }
    const shown = displayPath(path);
    throw new HoldfastError("conflict", `Cannot restore below ${shown}: it is not a directory`, {
      detail: { path: shown },
      hint: "Restore into an empty directory, or remove what stands in the way.",
    });
  }

  #trim(): void {
    while (this.#held.size > this.#capacity) {
      const oldest = this.#held.entries().next();
      if (oldest.done === true) return;
      this.#held.delete(oldest.value[0]);
      this.#release(oldest.value[1]);
    }
  }

  #release(held: Held): void {
    held.holders--;
    if (held.holders === 0 && held.fd !== workingDirectory) closeDirectory(held.fd);
  }
}

/**
 * Refuses a path that could lead out of a restore's target.
 *
 * @throws {HoldfastError} invalid: absolute, or an empty, `.` or `..` part, or a NUL
 */
export function checkTargetPath(path: string): void {
  let start = 0;
  while (start <= path.length) {
    const next = path.indexOf("/", start);
    const end = next < 0 ? path.length : next;
    checkTargetName(start === 0 && end === path.length ? path : path.slice(start, end), path);
    start = end + 1;
  }
}

/**
 * Refuses a name that is not the plain name of an entry in its directory.
 *
 * @param path - what to show in the message, when it is more than the name
 * @throws {HoldfastError} invalid
 */
export function checkTargetName(name: string, path: string = name): void {
  const fault =
    name === ""
      ? "it has an empty part"
      : name === "." || name === ".."
        ? `it has the part "${name}"`
        : name.includes("/")
          ? "a name in it has a slash"
          : name.includes("\0")
            ? "it has a NUL byte"
            : undefined;
  if (fault === undefined) return;
  const shown = displayPath(path);
  throw new HoldfastError("invalid", `Cannot restore ${shown === "" ? "an entry without a name" : shown}: ${fault}`, {
    detail: { path: shown },
    hint: "The snapshot was not made by an honest agent; check it.",
  });
}
