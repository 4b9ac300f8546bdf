import { showName } from "#gateway/paths/show-name.ts";
import type { View, ViewEntry } from "#shared/view/view.ts";

/** An entry on its way into an archive. */
export type ArchiveEntry = {
  readonly entry: ViewEntry;
  /** Relative path in the archive, a binary string, without a closing slash; never climbs. */
  readonly path: string;
};

/**
 * Everything in and below a directory, itself first under the name `top`, and each directory with all that is in it before the next:
 * programs that unpack set the time of a directory when they leave it.
 */
export async function* archiveEntries(view: View, directory: ViewEntry, top: string): AsyncGenerator<ArchiveEntry> {
  yield { entry: directory, path: top };
  for await (const entry of view.list(directory.path)) {
    const path = `${top}/${entry.name}`;
    if (entry.type === "directory") yield* archiveEntries(view, entry, path);
    else yield { entry, path };
  }
}

/** What an archive could not take, as a text file at its end. */
export class MissingEntries {
  /** Bytes of text that are kept; the rest is counted only. */
  static readonly limitBytes = 256 * 1024;
  readonly #lines: string[] = [];
  #bytes = 0;
  #count = 0;

  add(path: string, reason: string): void {
    this.#count++;
    const line = `${showName(path)}: ${reason.replaceAll(/[\r\n]+/g, " ")}\n`;
    this.#bytes += line.length;
    if (this.#bytes <= MissingEntries.limitBytes) this.#lines.push(line);
  }

  /** The text; undefined when nothing is missing. */
  get content(): Buffer | undefined {
    if (this.#count === 0) return undefined;
    return Buffer.from(`${this.#count} of the entries are not in this archive:\n${this.#lines.join("")}`, "utf8");
  }
}

/** The name of that file. */
export const missingName = "HOLDFAST-MISSING.txt";
