import { HoldfastError } from "#shared/errors.ts";
import { createEntryStat } from "./entry-stat.ts";
import { displayPath } from "./display-path.ts";
import { libc } from "./libc.ts";
import { closeDirectory, openDirectory } from "./list-directory.ts";
import { statOpenInto } from "./stat-path.ts";

/**
 * The filesystems that a restore writes to: a target may have other filesystems mounted below it.
 *
 * Holds one directory open on each, from before anything is written there, so that `syncfs` reports every write that the filesystem lost.
 */
export class TargetFilesystems {
  readonly #stat = createEntryStat();
  /** By device: a directory that can be synced; undefined where none could be opened yet. */
  readonly #directories = new Map<string, { fd: number | undefined; readonly path: string }>();

  /** Takes note of the filesystem of a directory that will be written to. @param path - for messages */
  note(directoryFd: number, path: string): void {
    if (libc() === undefined || statOpenInto(directoryFd, this.#stat) !== 0) return;
    const device = `${this.#stat.deviceMajor}:${this.#stat.deviceMinor}`;
    const known = this.#directories.get(device);
    if (known?.fd !== undefined) return;
    this.#directories.set(device, { fd: openOrUndefined(directoryFd), path });
  }

  /** Whether `sync` makes durable what was written; otherwise each file has to be synced. */
  get canSync(): boolean {
    if (this.#directories.size === 0) return false;
    for (const { fd } of this.#directories.values()) if (fd === undefined) return false;
    return true;
  }

  /**
   * Makes durable what was written to these filesystems. Resolves at once where `canSync` is false.
   *
   * @throws {HoldfastError} unavailable: a filesystem lost some of it
   */
  async sync(): Promise<void> {
    const c = libc();
    if (c === undefined || !this.canSync) return;
    for (const { fd, path } of this.#directories.values()) {
      if (fd === undefined) continue;
      const result = await new Promise<number>((resolve, reject) =>
        c.syncfs(fd, (error, returned) => (error instanceof Error ? reject(error) : resolve(returned))),
      );
      if (result !== 0) throw lost(path);
    }
  }

  close(): void {
    for (const { fd } of this.#directories.values()) if (fd !== undefined) closeDirectory(fd);
    this.#directories.clear();
  }
}

function openOrUndefined(directoryFd: number): number | undefined {
  try {
    return openDirectory(".", directoryFd);
  } catch (error) {
    if (error instanceof HoldfastError) return undefined;
    throw error;
  }
}

function lost(path: string): HoldfastError {
  const shown = displayPath(path);
  return new HoldfastError(
    "unavailable",
    `Cannot make durable what was restored to the filesystem of ${shown === "" ? "the target" : shown}: it reports that writes failed`,
    {
      detail: { path: shown },
      hint: "See the kernel's log for the reason (a failing disk, a full disk), then run the restore again with --overwrite changed.",
    },
  );
}
