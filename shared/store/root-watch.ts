import type { BigIntStats } from "node:fs";
import { lstat, stat } from "node:fs/promises";
import { HoldfastError } from "#shared/errors.ts";
import { fileSystemCode } from "./file-system-error.ts";

/**
 * Knows whether the root of a directory store is the directory that it was at first: a disk that is unmounted leaves another one in its
 * place, or none, and what is written then is written beside the store.
 *
 * File systems that number files anew as they go (some FUSE and network ones) make a root look like another one. So where the numbers differ, an
 * object that was there, the witness, says whether it is.
 */
export class RootWatch {
  readonly #path: string;
  #first: Promise<BigIntStats | undefined> | undefined;
  #witness: string | undefined;

  constructor(path: string) {
    this.#path = path;
  }

  /** Remembers the root, if it is there and was not met before. To be awaited before the root is worked in. */
  async meet(): Promise<void> {
    this.#first ??= this.#look();
    if ((await this.#first) === undefined) this.#first = undefined;
  }

  /** Tells of an object that is there. The first one counts: a store begins with what is never deleted. */
  see(path: string): void {
    this.#witness ??= path;
  }

  /** Whether the root was met. */
  async isMet(): Promise<boolean> {
    await this.meet();
    return this.#first !== undefined;
  }

  /** @throws {HoldfastError} unavailable: the root was met, and is gone or another directory now */
  async require(): Promise<void> {
    const first = await this.#first;
    if (first === undefined) return;
    const now = await this.#look();
    if (now?.dev === first.dev && now.ino === first.ino) return;
    if (now !== undefined && (await this.#isWitnessThere())) {
      this.#first = Promise.resolve(now);
      return;
    }
    const change = now === undefined ? "its directory is gone" : "another directory is in its place";
    throw new HoldfastError("unavailable", `Cannot reach the store at ${this.#path} any more: ${change}`, {
      detail: { lasting: true },
      hint: "Mount or attach the disk again, and run the command again.",
    });
  }

  async #isWitnessThere(): Promise<boolean> {
    if (this.#witness === undefined) return true;
    return lstat(this.#witness).then(
      () => true,
      () => false,
    );
  }

  async #look(): Promise<BigIntStats | undefined> {
    try {
      return await stat(this.#path, { bigint: true });
    } catch (error) {
      const code = fileSystemCode(error);
      if (code === "ENOENT" || code === "ENOTDIR") return undefined;
      throw error;
    }
  }
}
