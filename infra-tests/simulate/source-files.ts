import { createHash } from "node:crypto";
import type { Importer } from "#shared/connectors/importer.ts";
import { type ScriptedEntry, scriptedSource } from "#shared/operations/backup/scripted-source.testing.ts";
import type { SourceContent } from "./oracle.ts";
import type { SeededRandom } from "./seeded-random.ts";

const words = 24;
const filesMax = 9;
const largestBytes = 24_000;
const contentOfWord = new Map<number, Buffer>();

/** The files of one host. Their contents come from a few, the same on all hosts, so that much of it is in the store already, or was. */
export class SourceFiles {
  readonly #random: SeededRandom;
  readonly #files = new Map<string, { readonly word: number; readonly mtimeSec: number }>();
  #mtimeSec = 1000;

  constructor(random: SeededRandom) {
    this.#random = random;
    for (let number = 0; number < 3; number++) this.#write();
  }

  /** Changes, adds and deletes a few files, or none. */
  change(): void {
    const changes = this.#random.below(4);
    for (let number = 0; number < changes; number++) {
      const paths = [...this.#files.keys()];
      if (paths.length > 1 && this.#random.chance(0.3)) this.#files.delete(this.#random.pick(paths));
      else this.#write();
    }
  }

  /** What there is now. */
  content(): SourceContent {
    return new Map(Array.from(this.#files, ([path, { word }]) => [path, contentOf(word)]));
  }

  /** The files as a backup reads them. */
  importer(): Importer {
    const entries: ScriptedEntry[] = Array.from(this.#files, ([path, { word, mtimeSec }]) => ({
      path,
      content: contentOf(word),
      mtimeSec,
    }));
    return scriptedSource({ root: "/host", entries });
  }

  #write(): void {
    const path = `${this.#random.pick(["a", "b"])}/${this.#random.below(filesMax)}`;
    this.#files.set(path, { word: this.#random.below(words), mtimeSec: this.#mtimeSec++ });
  }
}

/** The content that a number stands for: noise, from nothing to several chunks of it. */
function contentOf(word: number): Buffer {
  let content = contentOfWord.get(word);
  if (content === undefined) {
    const parts: Buffer[] = [];
    const lengthBytes = Math.round(largestBytes * (word / words) ** 2);
    for (let at = 0; at < lengthBytes; at += 32) parts.push(createHash("sha256").update(`${word}/${at}`).digest());
    content = Buffer.concat(parts).subarray(0, lengthBytes);
    contentOfWord.set(word, content);
  }
  return content;
}
