import { closeSync, mkdirSync, openSync, writeSync } from "node:fs";
import { join } from "node:path";

/** What `makeSmallFiles` makes. */
export type SmallFilesPlan = {
  /** The directory to make them in; created when absent. */
  readonly directory: string;
  readonly files: number;
  /** Files per directory; `Infinity` puts all into `directory` itself. */
  readonly perDirectory: number;
  /** Equal seeds give equal trees. */
  readonly seed: number;
};

const minBytes = 4;
const maxBytes = 1024;

/**
 * Writes a tree of small files: 4 bytes to 1 KiB each, sizes and contents pseudo-random from the seed.
 *
 * Contents do not compress and do not repeat. Returns the sum of their sizes in bytes. Errors: those of the file system; a file
 * that is already there is one.
 */
export function makeSmallFiles({ directory, files, perDirectory, seed }: SmallFilesPlan): number {
  const words = new Uint32Array(maxBytes / 4);
  const bytes = new Uint8Array(words.buffer);
  const next = xorshift32(seed);
  let totalBytes = 0;
  let folder = directory;
  mkdirSync(directory, { recursive: true });
  for (let i = 0; i < files; i++) {
    if (Number.isFinite(perDirectory) && i % perDirectory === 0) {
      folder = join(directory, `directory-${String(i / perDirectory).padStart(6, "0")}`);
      mkdirSync(folder);
    }
    const sizeBytes = minBytes + (next() % (maxBytes - minBytes + 1));
    for (let word = 0; word < sizeBytes >> 2; word++) words[word] = next();
    if ((sizeBytes & 3) !== 0) words[sizeBytes >> 2] = next();
    const descriptor = openSync(`${folder}/file-${String(i).padStart(8, "0")}`, "wx");
    writeSync(descriptor, bytes, 0, sizeBytes);
    closeSync(descriptor);
    totalBytes += sizeBytes;
  }
  return totalBytes;
}

/** Marsaglia's xorshift32 (2003): a stream of unsigned 32-bit numbers, never zero. */
function xorshift32(seed: number): () => number {
  let state = seed >>> 0 || 0x9e3779b9;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>>= 0);
  };
}
