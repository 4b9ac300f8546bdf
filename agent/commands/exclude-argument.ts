import { excludePatternProblem } from "#agent/importers/exclude-pattern-problem.ts";
import { HoldfastError } from "#shared/errors.ts";

/** A pattern as typed after --exclude, as a binary string. @throws {HoldfastError} invalid: it can never match what it seems to say */
export function excludeArgument(text: string): string {
  const line = Buffer.from(text, "utf8").toString("latin1");
  const problem = excludePatternProblem(line);
  if (problem !== undefined) throw new HoldfastError("invalid", `Cannot use --exclude=${text}: ${problem}`);
  return line;
}
