import { closeDirectory, sortedNames } from "#agent/filesystem/list-directory.ts";
import { type EntryStat, createEntryStat } from "#agent/filesystem/entry-stat.ts";
import type { BeneathRoot } from "#agent/filesystem/open-beneath.ts";
import { statInto } from "#agent/filesystem/stat-path.ts";
import type { ScanProblem } from "#shared/connectors/importer.ts";
import { isHoldfastError } from "#shared/errors.ts";
import type { ExcludeRules } from "./exclude-rules.ts";
import { problemOf } from "./take-entry.ts";

/** The errno of a name that is not there. */
export const absent = 2;
/** Names that are remembered before the directory is listed again: 2.5 MB of them at most. */
const namesMax = 10_000;

/** Looks at a name in an open directory. @returns 0, or why it cannot be looked at */
type Look = (name: string, directoryFd: number) => number;

/**
 * The names of one directory that were listed and then not found. Most were removed in between. A broken filesystem goes on to list them, and a name
 * that was replaced is found later: neither is in the backup, so both are told of.
 */
export class AbsentNames {
  readonly #names = new Set<string>();
  readonly #place: { readonly dir: string; readonly prefix: string };
  readonly #beneath: BeneathRoot;
  readonly #onProblem: (problem: ScanProblem) => void;
  readonly #excludes: ExcludeRules | undefined;
  readonly #look: Look;

  /** @param place - the directory: relative to the root, and as the beginning of the paths of its entries */
  constructor(
    place: { readonly dir: string; readonly prefix: string },
    {
      beneath,
      onProblem,
      options,
      look = looksWith(createEntryStat()),
    }: {
      readonly beneath: BeneathRoot;
      readonly onProblem: (problem: ScanProblem) => void;
      readonly options: { readonly excludes: ExcludeRules | undefined };
      readonly look?: Look;
    },
  ) {
    this.#place = place;
    this.#beneath = beneath;
    this.#onProblem = onProblem;
    this.#excludes = options.excludes;
    this.#look = look;
  }

  /** Notes a name that is listed and was not found, twice. */
  note(name: string): void {
    this.#names.add(name);
    if (this.#names.size >= namesMax) this.tell();
  }

  /** Lists the directory again, if there is need to, and tells of the names that are still in it. */
  tell(): void {
    if (this.#names.size === 0) return;
    const { dir, prefix } = this.#place;
    const path = prefix === "/" ? "/" : prefix.slice(0, -1);
    try {
      const fd = this.#beneath.open(dir, "list");
      try {
        for (const name of sortedNames(fd, path)) if (this.#names.has(name)) this.#tellOf(name, fd);
      } finally {
        closeDirectory(fd);
      }
    } catch (error) {
      // They are gone with their directory.
      if (!isHoldfastError(error, "absent")) this.#onProblem(problemOf(path, error));
    }
    this.#names.clear();
  }

  #tellOf(name: string, fd: number): void {
    const isThere = this.#look(name, fd) !== absent;
    const { dir, prefix } = this.#place;
    const below = dir === "" ? name : `${dir}/${name}`;
    if (this.#excludes?.(below, false) === true || (isThere && this.#excludes?.(below, true) === true)) return;
    this.#onProblem({
      path: prefix + name,
      kind: isThere ? "replaced" : "ENOENT",
      message: isThere
        ? "It was replaced while its directory was read, and is not in this backup."
        : "Its directory lists it, and nothing is found by that name: the filesystem may be damaged.",
    });
  }
}

function looksWith(stat: EntryStat): Look {
  return (name, directoryFd) => statInto(name, stat, directoryFd);
}
