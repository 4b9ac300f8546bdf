import type { BigIntStats } from "node:fs";
import { stat } from "node:fs/promises";
import { HoldfastError } from "#shared/errors.ts";
import { fileSystemCode } from "./file-system-error.ts";

/**
 * Knows whether the root of a directory store is the directory that it was at first: a disk that is unmounted leaves another one in its
 * place, or none, and what is written then is written beside the store.
 */
export class RootWatch {
  readonly #path: string;
  #first: Promise<BigIntStats | undefined> | undefined;

  constructor(path: string) {
    this.#path = path;
  }

  /** Remembers the root, if it is there and was not met before. To be awaited before the root is worked in. */
  async meet(): Promise<void> {
    this.#first ??= this.#look();
    if ((await this.#first) === undefined) this.#first = undefined;
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
    const change = now === undefined ? "its directory is gone" : "another directory is in its place";
    throw new HoldfastError("unavailable", `Cannot reach the store at ${this.#path} any more: ${change}`, {
      detail: { lasting: true },
      hint: "Mount or attach the disk again, and run the command again.",
    });
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
