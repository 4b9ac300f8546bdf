import { BeneathRoot } from "./open-beneath.ts";
import { closeDirectory } from "./list-directory.ts";
import { libc, longestPathBytes } from "./libc.ts";
import { openFile } from "./read-content.ts";

/**
 * Opens ordinary files, as `openFile` does, one directory after the other: of a file beside the last one the kernel has to look up its
 * name only, and not each directory above it. No link below the root of the source is followed on the way.
 *
 * Holds two descriptors until `close`.
 */
export class FileOpener {
  #root: BeneathRoot | undefined;
  #rootPath = "";
  /** Of the last file, with the slash at its end. */
  #directory = "";
  /** -1 where none is open. */
  #fd = -1;

  /**
   * @param rootBytes - length of the part of the path that is the root of the source
   * @throws {HoldfastError} as `openFile`
   */
  open(path: string, rootBytes: number): number {
    const nameAt = path.lastIndexOf("/") + 1;
    // A root that is a file is opened as it was named.
    if (nameAt <= rootBytes && rootBytes > 1) return openFile(path);
    if (libc() === undefined) return openFile(path);
    if (nameAt !== this.#directory.length || !path.startsWith(this.#directory)) this.#enter(path, nameAt, rootBytes);
    const name = path.slice(nameAt);
    if (name.length > longestPathBytes) return openFile(path);
    return openFile(path, { name, directoryFd: this.#fd });
  }

  /** Closes what is open; another file may be opened afterwards. */
  close(): void {
    this.#leave();
    this.#root?.close();
    this.#root = undefined;
  }

  #leave(): void {
    if (this.#fd >= 0) closeDirectory(this.#fd);
    this.#fd = -1;
    this.#directory = "";
  }

  #enter(path: string, nameAt: number, rootBytes: number): void {
    this.#leave();
    const root = path.slice(0, rootBytes);
    if (this.#root === undefined || root !== this.#rootPath) {
      this.#root?.close();
      this.#root = new BeneathRoot(root);
      this.#rootPath = root;
    }
    // "/" is its own slash.
    const from = root.endsWith("/") ? rootBytes : rootBytes + 1;
    this.#fd = this.#root.open(path.slice(from, Math.max(from, nameAt - 1)), "place");
    this.#directory = path.slice(0, nameAt);
  }
}
