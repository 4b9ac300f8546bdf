import ignore from "ignore";

/** Tells whether a path below a root is left out. `path` is relative, as a binary string. */
export type ExcludeRules = (path: string, isDirectory: boolean) => boolean;

/**
 * Rules of gitignore syntax, later lines win; undefined when there are none. Lines and paths are binary strings. Upper and lower case
 * differ, as they do in names.
 */
export function excludeRules(lines: readonly string[]): ExcludeRules | undefined {
  if (lines.length === 0) return undefined;
  const rules = ignore({ allowRelativePaths: true, ignorecase: false }).add(lines);
  return (path, isDirectory) => rules.ignores(isDirectory ? `${path}/` : path);
}
