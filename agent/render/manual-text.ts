import type { OptionRow } from "#agent/arguments/option-row.ts";
import type { Command } from "#agent/commands/command.ts";
import { type ErrorKind, errorKinds } from "#shared/errors.ts";
import { wrapText } from "./wrap-text.ts";

/** Columns of a manual: those of the terminal, within what is pleasant to read. */
export function manualColumns(terminalColumns: number | undefined): number {
  return Math.min(100, Math.max(40, terminalColumns ?? 80));
}

/** The failures that any command may end with. */
const usualExits: readonly ErrorKind[] = [
  "invalid",
  "absent",
  "unavailable",
  "internal",
  "denied",
  "incompatible",
  "interrupted",
];

/** The manual of a command, as `holdfast help <command>` prints it, without a closing newline. */
export function manualText(command: Command, columns: number): string {
  const { name, summary, synopsis, manual, options } = command;
  return [
    wrapText(`holdfast ${name}: ${summary}`, columns, 0).join("\n"),
    section(
      "Usage",
      synopsis.map((form) => `  holdfast [global options] [at STORE] ${`${name} ${form}`.trim()}`),
    ),
    section("Description", manual.description.map((text) => wrapText(text, columns, 2).join("\n")).join("\n\n")),
    ...(options.length === 0
      ? []
      : [
          section(
            "Options",
            options.flatMap((row) => optionLines(row, columns)),
          ),
        ]),
    section("Exit codes", exitLines(manual.exits, columns)),
    section(
      "Examples",
      manual.examples.map(({ line, does }) => `${wrapText(does, columns, 2).join("\n")}\n    ${line}`).join("\n\n"),
    ),
    wrapText("Global options, which every command takes, are listed by `holdfast help options`.", columns, 0).join(
      "\n",
    ),
  ].join("\n\n");
}

/** One option in a manual: how it is written, then what it does. */
export function optionLines(row: OptionRow, columns: number): string[] {
  const short = row.short === undefined ? "" : `-${row.short}, `;
  const value = row.type === "flag" ? "" : `=${row.choices?.join("|") ?? row.value ?? "VALUE"}`;
  const again = row.repeatable ? " (may be repeated)" : "";
  return [`  ${short}--${row.name}${value}${again}`, ...wrapText(row.description, columns, 6)];
}

function section(title: string, body: string | readonly string[]): string {
  return `${title}\n${typeof body === "string" ? body : body.join("\n")}`;
}

function exitLines(exits: Command["manual"]["exits"], columns: number): string[] {
  const kinds = Object.keys(errorKinds) as ErrorKind[];
  const rows = kinds
    .filter((kind) => exits[kind] !== undefined || usualExits.includes(kind))
    .map((kind) => ({ ...errorKinds[kind], meaning: exits[kind] ?? errorKinds[kind].meaning }));
  return [{ exitCode: 0, exitName: "ok", meaning: "everything was done" }, ...rows].flatMap((row) =>
    exitLine(row, columns),
  );
}

function exitLine(
  { exitCode, exitName, meaning }: { readonly exitCode: number; readonly exitName: string; readonly meaning: string },
  columns: number,
): string[] {
  const [first = "", ...rest] = wrapText(meaning, columns, 21);
  return [`  ${String(exitCode).padStart(3)}  ${exitName.padEnd(12)}  ${first.trimStart()}`, ...rest];
}
