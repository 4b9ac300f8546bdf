import { chmod, mkdir, readdir, stat, statfs, unlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Random } from "#shared/random.ts";
import { giveDirectoryMode, privateModes, type StoreModes } from "./store-modes.ts";

/** One log entry that removes, condemns or sweeps takes a file and mostly one block; few files of more than that are a long way. */
const files = 8;
const fileBytes = 256 * 1024;
/** What must stay free beside the reserve when it is made. */
const marginBytes = 1024 * 1024;
const marginInodes = 32;

/**
 * Space of a disk that is kept back, as files without meaning, so that snapshots can be removed from a store on a disk that is full: what frees
 * space has to be written to the log first. Each file that is given up frees its blocks and an inode.
 *
 * Nothing depends on it: it may be deleted at any time, and is made again when there is room. It is random bytes, which no file system
 * compresses, deduplicates or leaves out.
 */
export class SpaceReserve {
  readonly #directory: string;
  readonly #random: Random;

  constructor(directory: string, random: Random) {
    this.#directory = directory;
    this.#random = random;
  }

  /** Gives up one file of the reserve. Returns false when there is none left. */
  async spend(): Promise<boolean> {
    for (const name of await readdir(this.#directory).catch(() => [])) {
      const isGone = await unlink(join(this.#directory, name)).then(
        () => true,
        () => false, // another process has spent it
      );
      if (isGone) return true;
    }
    return false;
  }

  /** Makes what is missing of the reserve, as far as there is room, in a store that is there. Whether it succeeds makes no difference to the caller. */
  async refill({ file, directory }: StoreModes = privateModes): Promise<void> {
    try {
      const missing: string[] = [];
      for (let n = 0; n < files; n++) {
        const path = join(this.#directory, `reserve-${n}`);
        const there = await stat(path).catch(() => undefined);
        if (there === undefined || there.size < fileBytes) missing.push(path);
      }
      if (missing.length === 0) return;
      const isMade = await mkdir(this.#directory, { mode: directory }).then(
        () => true,
        () => false,
      );
      if (isMade && directory !== privateModes.directory) await giveDirectoryMode(this.#directory, directory);
      const { bavail, bsize, files: inodes, ffree } = await statfs(this.#directory);
      if (bavail * bsize < missing.length * fileBytes + marginBytes || isShortOfInodes(inodes, ffree, missing.length))
        return;
      for (const path of missing) {
        await writeFile(path, this.#random(fileBytes), { mode: file });
        if (file !== privateModes.file) await chmod(path, file);
      }
    } catch {
      // No room, or no right to: there is no reserve then.
    }
  }
}

/** File systems that make inodes as they are needed tell of none. */
function isShortOfInodes(inodes: number, free: number, wanted: number): boolean {
  return inodes > 0 && free < wanted + marginInodes;
}
