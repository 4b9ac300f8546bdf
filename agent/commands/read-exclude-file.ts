import { readBoundedFile } from "#agent/config/read-bounded-file.ts";
import { excludePatternProblem } from "#agent/importers/exclude-pattern-problem.ts";
import { displayName } from "#agent/render/display-name.ts";
import { HoldfastError } from "#shared/errors.ts";

const limitBytes = 16 * 2 ** 20;
/** Byte order marks, as binary strings. */
const mark = { utf8: "\xef\xbb\xbf", utf16: /^(?:\xff\xfe|\xfe\xff)/ };

/**
 * The lines of a file of patterns, as binary strings, in order; gitignore's own rules for blank lines and `#` apply later. A byte order
 * mark is no part of the first one.
 *
 * @throws {HoldfastError} absent, denied or invalid (more than 16 MiB, UTF-16, or a line that is no pattern)
 */
export async function readExcludeFile(path: string, signal: AbortSignal): Promise<readonly string[]> {
  const content = await readBoundedFile({ path, what: "exclude file", limitBytes, signal });
  const text = content.toString("latin1");
  if (mark.utf16.test(text)) {
    throw new HoldfastError("invalid", `Cannot use the exclude file ${path}: it is UTF-16`, {
      hint: "Save it as UTF-8.",
    });
  }
  const lines = text.slice(text.startsWith(mark.utf8) ? mark.utf8.length : 0).split(/\r?\n/);
  for (const [index, line] of lines.entries()) {
    const problem = excludePatternProblem(line);
    if (problem === undefined) continue;
    throw new HoldfastError("invalid", `Cannot use line ${index + 1} of ${path}, ${displayName(line)}: ${problem}`, {
      hint: "Put a backslash before a character that is to be taken as it is.",
    });
  }
  return lines;
}
