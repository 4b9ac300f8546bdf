import { isHoldfastError } from "#shared/errors.ts";
import { closeDirectory, openDirectoryPlace } from "./list-directory.ts";
import { libc, longestPathBytes } from "./libc.ts";
import { openFile } from "./read-content.ts";

/**
 * Opens ordinary files, as `openFile` does, one directory after the other: of a file beside the last one the kernel has to look up its
 * name only, and not each directory above it.
 *
 * Holds a descriptor until `close`.
 */
export class FileOpener {
  /** Of the last file, with the slash at its end. */
  #directory = "";
  /** -1 where none is open. */
  #fd = -1;

  /** @throws {HoldfastError} as `openFile` */
  open(path: string): number {
    const nameAt = path.lastIndexOf("/") + 1;
    if (nameAt <= 1 || path.length > longestPathBytes || libc() === undefined) return openFile(path);
    if (nameAt !== this.#directory.length || !path.startsWith(this.#directory)) this.#enter(path.slice(0, nameAt));
    return this.#fd < 0 ? openFile(path) : openFile(path, { name: path.slice(nameAt), directoryFd: this.#fd });
  }

  /** Closes what is open; another file may be opened afterwards. */
  close(): void {
    if (this.#fd >= 0) closeDirectory(this.#fd);
    this.#fd = -1;
    this.#directory = "";
  }

  #enter(directory: string): void {
    this.close();
    this.#directory = directory;
    try {
      this.#fd = openDirectoryPlace(directory.slice(0, -1));
    } catch (error) {
      // Whoever opens its files by their paths is told why.
      if (!isHoldfastError(error)) throw error;
    }
  }
}
