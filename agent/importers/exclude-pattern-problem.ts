const classNames = ["alnum", "alpha", "blank", "cntrl", "digit", "graph", "lower", "print", "punct", "space", "upper"];
classNames.push("xdigit");

/**
 * Why a line of patterns can never match what it seems to say, in words; undefined where nothing is wrong with it. Blank lines and
 * comments are right.
 *
 * @param line - gitignore syntax, as a binary string
 */
export function excludePatternProblem(line: string): string | undefined {
  if (line.includes("\0")) return "it has a NUL byte";
  if (!isPattern(line)) return undefined;
  for (let at = 0; at < line.length; at++) {
    if (line[at] === "\\") {
      at++;
      if (at === line.length) return "nothing follows the backslash at its end";
    } else if (line[at] === "[") {
      const end = classEnd(line, at + 1);
      if (typeof end === "string") return end;
      at = end;
    }
  }
  return undefined;
}

/** Whether a line is a pattern: neither blank nor a comment. */
export function isPattern(line: string): boolean {
  return line.trim() !== "" && !line.startsWith("#");
}

/** Where a class ends that begins before `start`, or what is wrong with it. */
function classEnd(line: string, start: number): number | string {
  let at = start;
  if (line[at] === "!" || line[at] === "^") at++;
  const first = at;
  for (; at < line.length; at++) {
    if (line[at] === "]" && at > first) return at;
    const named = /^\[:([^\]]*):\]/.exec(line.slice(at));
    if (named !== null) {
      if (!classNames.includes(named[1] ?? "")) return `there is no class ${named[0]}`;
      at += named[0].length - 1;
      continue;
    }
    const low = memberAt(line, at);
    const isRange = line[low.end + 1] === "-" && ![undefined, "]"].includes(line[low.end + 2]);
    if (!isRange) {
      at = low.end;
      continue;
    }
    const high = memberAt(line, low.end + 2);
    if (low.character > high.character) return `its range ${low.character}-${high.character} is the wrong way round`;
    at = high.end;
  }
  return 'its "[" has no "]"';
}

function memberAt(line: string, at: number): { readonly character: string; readonly end: number } {
  const end = line[at] === "\\" ? at + 1 : at;
  return { character: line[end] ?? "", end };
}
