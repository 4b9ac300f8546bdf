import { displayName } from "#agent/render/display-name.ts";
import { isPattern } from "#agent/importers/exclude-pattern-problem.ts";
import type { ScanFindings } from "#agent/importers/scan-findings.ts";
import type { Reporter, ReportValue } from "#shared/operations/progress.ts";

/** Names that one line tells at most. */
const toldMax = 20;

/**
 * Warns of patterns that matched nothing in any source.
 *
 * @param excludes - the lines of patterns, whose numbers the findings hold
 * @returns what the report tells of the scans
 */
export function tellFindings(
  findings: readonly ScanFindings[],
  excludes: readonly string[],
  reporter: Reporter,
): Readonly<Record<string, ReportValue>> {
  const idle = excludes.filter(
    (line, number) => isPattern(line) && !findings.some(({ matched }) => matched.has(number)),
  );
  if (idle.length > 0) {
    const message = `${idle.length === 1 ? "This pattern" : "These patterns"} matched nothing: ${listed(idle)}.`;
    reporter.notice({ level: "warning", message });
  }
  const leftOut = [...new Set(findings.flatMap((each) => [...each.leftOut]))].sort();
  if (leftOut.length === 0) return {};
  reporter.notice({
    level: "info",
    message: `Not entered, because another filesystem begins there: ${listed(leftOut)}.`,
  });
  return { fileSystemsLeftOut: leftOut.length };
}

function listed(names: readonly string[]): string {
  const told = names.slice(0, toldMax).map((name) => displayName(name));
  return names.length > toldMax ? `${told.join(", ")} and ${names.length - toldMax} more` : told.join(", ");
}
