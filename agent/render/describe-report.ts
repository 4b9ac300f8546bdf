import type { Report, ReportValue } from "#shared/operations/progress.ts";
import { displayText } from "./display-name.ts";
import { formatBytes } from "./format-bytes.ts";
import { formatCount } from "./format-count.ts";
import { formatDuration } from "./format-duration.ts";
import { formatTime } from "./format-time.ts";
import { maintenanceRows } from "./maintenance-rows.ts";

/**
 * A report as lines for people: a first line with how it ended, then one line per fact. The unit in a fact's name
 * (`bytesStored`, `sizeBytes`, `durationMs`, `finishedAtMs`) decides how its value is written and is left out of its label. Facts of a maintenance are told
 * together.
 */
export function describeReport(report: Report): string[] {
  const { rows: first, told } = report.operation === "maintenance" ? maintenanceRows(report.facts) : noRows;
  const others = Object.entries(report.facts).filter(([name]) => !told.has(name));
  const rows = [...first, ...others.map(([name, value]) => [label(name), describeValue(name, value)] as const)];
  const labelColumns = Math.max(0, ...rows.map(([text]) => text.length));
  return [
    `${report.operation}: ${report.ending ?? outcomes[report.outcome]}`,
    ...rows.map(([text, value]) => `  ${text.padEnd(labelColumns)}  ${value}`),
  ];
}

const noRows: ReturnType<typeof maintenanceRows> = { rows: [], told: new Set() };

const outcomes: Readonly<Record<Report["outcome"], string>> = {
  ok: "done",
  partial: "done in part: something is missing, see above",
  corrupt: "damage found, see above",
};

function label(name: string): string {
  const bare = name.replace(/^bytes(?=[A-Z])|Bytes$|AtMs$|Ms$/, "");
  return bare.replace(/([a-z])([A-Z])/g, (_, before: string, after: string) => `${before} ${after}`).toLowerCase();
}

function describeValue(name: string, value: ReportValue): string {
  if (typeof value === "boolean") return value ? "yes" : "no";
  if (typeof value === "string") return displayText(value);
  if (typeof value !== "number") return value.map(displayText).join(", ") || "none";
  if (/^bytes(?=[A-Z]|$)|Bytes$/.test(name)) return formatBytes(value);
  if (name.endsWith("AtMs")) return formatTime(value);
  if (name.endsWith("Ms")) return formatDuration(value);
  return Number.isInteger(value) ? formatCount(value) : String(value);
}
