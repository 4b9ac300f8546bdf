import { errorKinds, type HoldfastError } from "#shared/errors.ts";
import { displayText } from "./display-name.ts";

/** A failure as lines for people: what failed, how the process ends, and what to do about it. */
export function describeFailure(error: HoldfastError): string[] {
  const row = errorKinds[error.kind];
  const lines = [`holdfast: ${displayText(error.message)} (${row.exitName}, exit code ${row.exitCode})`];
  if (error.hint !== undefined) lines.push(`  hint: ${displayText(error.hint)}`);
  return lines;
}
