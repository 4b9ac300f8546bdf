import ignore from "ignore";

/** Tells whether a path below a root is left out. `path` is relative, as a binary string. */
export type ExcludeRules = (path: string, isDirectory: boolean) => boolean;

/** A line of patterns, and the number by which it is told that it matched something. */
export type ExcludeLine = { readonly line: string; readonly number: number };

const options = { allowRelativePaths: true, ignorecase: false };

/**
 * Rules of gitignore syntax, later lines win; undefined when there are none. Lines and paths are binary strings. Upper and lower case
 * differ, as they do in names.
 *
 * @param matched - gets the numbers of the lines that match a path asked about, also where a later line decides
 */
export function excludeRules(lines: readonly ExcludeLine[], matched: Set<number>): ExcludeRules | undefined {
  if (lines.length === 0) return undefined;
  const rules = ignore(options).add(lines.map(({ line }) => line));
  const unmatched = new UnmatchedLines(lines, matched);
  return (path, isDirectory) => {
    const name = isDirectory ? `${path}/` : path;
    const { ignored, unignored } = rules.test(name);
    // A path that no line matches is not to be tried again.
    if ((ignored || unignored) && unmatched.count > 0) unmatched.tryPath(name);
    return ignored;
  };
}

/** The lines that have not matched anything yet, each without what makes it take back. */
class UnmatchedLines {
  readonly #matched: Set<number>;
  #lines: ExcludeLine[];
  #rules = ignore(options);

  constructor(lines: readonly ExcludeLine[], matched: Set<number>) {
    this.#matched = matched;
    this.#lines = lines.map(({ line, number }) => ({ line: line.replace(/^!/, ""), number }));
    this.#compile();
  }

  get count(): number {
    return this.#lines.length;
  }

  tryPath(name: string): void {
    for (;;) {
      const mark = this.#rules.test(name).rule?.mark;
      if (mark === undefined) return;
      this.#matched.add(Number(mark));
      this.#compile();
    }
  }

  #compile(): void {
    this.#lines = this.#lines.filter(({ number }) => !this.#matched.has(number));
    this.#rules = ignore(options).add(this.#lines.map(({ line, number }) => ({ pattern: line, mark: String(number) })));
  }
}
