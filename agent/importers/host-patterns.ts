import ignore from "ignore";
import type { ExcludeLine } from "./exclude-rules.ts";

/** The numbers of the lines that name a place of the host, not one relative to each source. @param names - paths by which sources may be meant */
export function hostLines(lines: readonly string[], names: readonly string[]): ReadonlySet<number> {
  const numbers = new Set<number>();
  for (const [number, line] of lines.entries()) {
    if (/^!?\//.test(line) && names.some((name) => restsBelow(line.replace(/^!/, ""), name).length > 0))
      numbers.add(number);
  }
  return numbers;
}

/**
 * Patterns as they apply to one source. One that names a place of the host is cut to what is left of it below the source, and dropped where
 * nothing is. All others are relative to each source, as they are to the directory of a .gitignore.
 *
 * @param lines - in gitignore syntax, as binary strings
 * @param names - absolute paths by which the source may be meant
 * @param host - as of `hostLines`, for all sources
 */
export function patternsForSource(
  lines: readonly string[],
  names: readonly string[],
  host: ReadonlySet<number>,
): ExcludeLine[] {
  const cut: ExcludeLine[] = [];
  for (const [number, line] of lines.entries()) {
    if (!host.has(number)) {
      cut.push({ line, number });
      continue;
    }
    const takesBack = line.startsWith("!");
    const pattern = takesBack ? line.slice(1) : line;
    const rests = new Set(names.flatMap((name) => restsBelow(pattern, name)));
    for (const rest of rests) cut.push({ line: takesBack ? `!${rest}` : rest, number });
  }
  return cut;
}

/** What is left of a pattern below a directory that its first parts match; `**` may match in more than one way. */
function restsBelow(pattern: string, directory: string): string[] {
  const all = pattern.split("/");
  const parts = all.filter((part, index) => part !== "" || index === all.length - 1);
  const names = directory.split("/").filter((name) => name !== "");
  const rests = new Set<string>();
  const go = (part: number, name: number): void => {
    const at = parts[part];
    if (at === undefined || at === "") return;
    if (name === names.length) {
      rests.add(`/${parts.slice(part).join("/")}`);
      return;
    }
    if (at === "**") {
      go(part + 1, name);
      go(part, name + 1);
    } else if (isMatch(at, names[name] ?? "")) go(part + 1, name + 1);
  };
  go(0, 0);
  return [...rests];
}

function isMatch(part: string, name: string): boolean {
  if (!/[*?[\\]/.test(part)) return part === name;
  return ignore({ allowRelativePaths: true, ignorecase: false })
    .add([`/${part}`])
    .ignores(name);
}
