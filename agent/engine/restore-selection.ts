import { excludeRules } from "#agent/importers/exclude-rules.ts";
import { hostLines, patternsForSource } from "#agent/importers/host-patterns.ts";
import { type Entry, entryPath, entryTypes } from "#shared/format/entry.ts";
import type { RestoreItem } from "#shared/operations/restore/restore-options.ts";

/** Which entries are restored, by patterns of gitignore: empty lists choose all. */
export type SelectionPatterns = { readonly includes: readonly string[]; readonly excludes: readonly string[] };

/**
 * Chooses entries of snapshots by the patterns of a restore, and remembers which patterns matched nothing.
 *
 * A pattern is meant as those of a backup are: relative to each source, or, where it begins with the path of a source, at that place.
 */
export class RestoreSelection {
  readonly #patterns: SelectionPatterns;
  readonly #roots: readonly string[];
  readonly #matched = { includes: new Set<number>(), excludes: new Set<number>() };

  /** @param roots - of all sources of the snapshot */
  constructor(patterns: SelectionPatterns, roots: readonly string[]) {
    this.#patterns = patterns;
    this.#roots = roots;
  }

  get choosesAll(): boolean {
    return this.#patterns.includes.length === 0 && this.#patterns.excludes.length === 0;
  }

  /**
   * The entries of a source that are chosen. A directory that is not chosen itself comes when the first entry below it does, so that its metadata is
   * restored as well.
   *
   * @param from - the source, and the directory or file in it that `entries` begin at or lie below
   * @param find - finds a directory of the source
   */
  choose(
    from: { readonly root: string; readonly rel: string },
    entries: RestoreItem["entries"],
    find: (path: string) => Promise<Entry | undefined>,
  ): RestoreItem["entries"] {
    if (this.choosesAll) return entries;
    const takes = this.#rulesFor(from.root);
    const hasIncludes = this.#patterns.includes.length > 0;
    return async function* chosen(onLost) {
      const given = new Set<string>();
      let top: Entry | undefined;
      for await (const entry of entries(onLost)) {
        const path = entryPath(entry);
        const isDirectory = entry.type === entryTypes.directory;
        if (isDirectory && path === from.rel) {
          // What everything else lies in is part of the choice if anything is.
          top = entry;
          if (!hasIncludes) yield entry;
          continue;
        }
        if (!takes(path, isDirectory)) continue;
        if (hasIncludes) {
          for (const parent of parentsOf(path)) {
            if (given.has(parent) || !isAtOrBelow(parent, from.rel)) continue;
            given.add(parent);
            const directory = parent === from.rel ? top : await find(parent);
            if (directory !== undefined) yield directory;
          }
          if (isDirectory && given.has(path)) continue;
          if (isDirectory) given.add(path);
        }
        yield entry;
      }
    };
  }

  /** Patterns that matched nothing so far. */
  get unmatched(): string[] {
    const { includes, excludes } = this.#patterns;
    return [
      ...includes.filter((_line, number) => !this.#matched.includes.has(number)),
      ...excludes.filter((_line, number) => !this.#matched.excludes.has(number)),
    ];
  }

  #rulesFor(root: string): (path: string, isDirectory: boolean) => boolean {
    const included = this.#rules("includes", root);
    const excluded = this.#rules("excludes", root);
    const hasIncludes = this.#patterns.includes.length > 0;
    return (path, isDirectory) => {
      if (path === "") return !hasIncludes;
      return (!hasIncludes || included?.(path, isDirectory) === true) && excluded?.(path, isDirectory) !== true;
    };
  }

  #rules(which: "includes" | "excludes", root: string) {
    const lines = this.#patterns[which];
    return excludeRules(patternsForSource(lines, [root], hostLines(lines, this.#roots)), this.#matched[which]);
  }
}

/** The directories that lead to a path, from the root of the source ("") on. */
function parentsOf(path: string): string[] {
  if (path === "") return [];
  const parents = [""];
  for (let slash = path.indexOf("/"); slash >= 0; slash = path.indexOf("/", slash + 1))
    parents.push(path.slice(0, slash));
  return parents;
}

function isAtOrBelow(path: string, directory: string): boolean {
  return directory === "" || path === directory || path.startsWith(`${directory}/`);
}
