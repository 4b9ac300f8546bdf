import { createCipheriv, createHash } from "node:crypto";
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { seededNumbers } from "#shared/seeded-numbers.ts";

type TreeFile = { readonly path: string; readonly bytes: number };

/**
 * A tree of files that changes from day to day, the same for the same seed. Contents are noise, so that no compressor hides what is
 * stored. Sizes are spread over three powers of ten, 40 kB on average.
 */
export class YearlyTree {
  readonly #directory: string;
  readonly #random: () => number;
  readonly #seed: number;
  readonly #files: TreeFile[] = [];
  #made = 0;

  /** Makes the tree of the first day. */
  constructor(options: { readonly directory: string; readonly bytes: number; readonly seed: number }) {
    this.#directory = options.directory;
    this.#seed = options.seed;
    this.#random = seededNumbers(options.seed);
    for (let bytes = 0; bytes < options.bytes;) bytes += this.#create();
  }

  /** Lets a day pass: files of `share` of all (0 to 1) get new content; a tenth of those is deleted, and as many are new. @returns files */
  change(share: number): number {
    const count = Math.max(1, Math.round(this.#files.length * share));
    for (let changed = 0; changed < count; changed++) {
      const index = Math.floor(this.#random() * this.#files.length);
      const file = this.#files[index];
      if (file === undefined) continue;
      if (changed % 10 === 9) {
        rmSync(join(this.#directory, file.path));
        this.#files.splice(index, 1);
        this.#create();
      } else this.#write(file);
    }
    return this.#files.length;
  }

  #create(): number {
    const number = this.#made++;
    const bytes = Math.round(1000 * 1000 ** (this.#random() * this.#random() * 1.5));
    const file = { path: `d${number % 40}/s${number % 7}/file ${number}`, bytes: Math.min(bytes, 2_000_000) };
    this.#files.push(file);
    this.#write(file);
    return file.bytes;
  }

  #write({ path, bytes }: TreeFile): void {
    const whole = join(this.#directory, path);
    mkdirSync(dirname(whole), { recursive: true });
    const key = createHash("sha256").update(`${this.#seed}/${path}/${this.#random()}`).digest();
    const noise = createCipheriv("aes-128-ctr", key.subarray(0, 16), key.subarray(16));
    writeFileSync(whole, noise.update(Buffer.alloc(bytes)));
  }
}
