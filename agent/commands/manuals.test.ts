import { beforeAll, expect, test } from "vitest";
import type { OptionRow } from "#agent/arguments/option-row.ts";
import { parseOptions } from "#agent/arguments/parse-options.ts";
import { splitCommandLine } from "#agent/arguments/split-command-line.ts";
import { manualText } from "#agent/render/manual-text.ts";
import { s3Parameters } from "#shared/store/store-location.ts";
import type { Command } from "./command.ts";
import type { CommandName } from "./command-names.ts";
import { commandTable } from "./command-table.ts";
import { globalOptions } from "./global-options.ts";
import { topicText } from "./help.ts";

const names = Object.keys(commandTable) as CommandName[];
const commands = new Map<string, Command>();
beforeAll(async () => {
  for (const name of names) commands.set(name, await commandTable[name]());
});

/** Splits a line as a shell does, as far as examples need it. */
function shellWords(line: string): string[] {
  const command = line.split(" | ")[0]!;
  return Array.from(command.matchAll(/'([^']*)'|(\S+)/g), ([, quoted, bare]) => quoted ?? bare!);
}

test.each(names)("the module of %s is its command, with a summary, a synopsis and a manual", (name) => {
  const command = commands.get(name)!;
  expect(command.name).toBe(name);
  expect(command.summary).toMatch(/^[a-z].*[^.]$/);
  expect(command.synopsis.length).toBeGreaterThan(0);
  expect(command.manual.description.length).toBeGreaterThan(0);
  for (const paragraph of command.manual.description) expect(paragraph).toMatch(/[.)]$/);
});

test.each(names)("the manual of %s has at least two examples, which its options understand", (name) => {
  const { manual, options } = commands.get(name)!;
  expect(manual.examples.length).toBeGreaterThanOrEqual(2);
  for (const { line, does } of manual.examples) {
    const [program, ...args] = shellWords(line);
    expect(program).toBe("holdfast");
    const { leading, name: verb, rest } = splitCommandLine(globalOptions, args);
    expect(verb).toBe(name);
    expect(() => parseOptions([...options, ...globalOptions], [...leading, ...rest], "")).not.toThrow();
    expect(does).toMatch(/^[A-Z].*\.$/);
  }
});

test.each(names)("the manual of %s names every option it takes, and no other", (name) => {
  const command = commands.get(name)!;
  const own = command.options.map((row) => row.name);
  const taken = new Set([...own, ...globalOptions.map((row) => row.name)]);
  const text = manualText(command, 100).replaceAll(/`holdfast [^`]*`/g, "");
  const named = new Set(Array.from(text.matchAll(/(?<![\w-])--([a-z][a-z0-9-]*)/g), ([, option]) => option!));
  expect(own.filter((option) => !named.has(option))).toEqual([]);
  expect([...named].filter((option) => !taken.has(option))).toEqual([]);
});

test.each(names)("the options of %s have one name each, and a sentence", (name) => {
  const rows: readonly OptionRow[] = [...commands.get(name)!.options, ...globalOptions];
  const long = rows.map((row) => row.name);
  const short = rows.flatMap((row) => row.short ?? []);
  expect(new Set(long).size).toBe(long.length);
  expect(new Set(short).size).toBe(short.length);
  for (const row of rows) {
    expect(row.description).toMatch(/^[A-Z].*[.)]$/);
    expect(row.type === "flag").toBe(row.value === undefined);
  }
});

test.each(names)("the manual of %s lists the exit codes", (name) => {
  const text = manualText(commands.get(name)!, 100);
  for (const exit of ["0  ok", "64  usage", "77  denied", "130  interrupted"]) expect(text).toContain(exit);
});

test.each([60, 80, 100])("manuals and topics are no wider than %i columns, but for lines to copy", async (columns) => {
  const topics = await Promise.all(
    ["overview", "options", "errors", "json", "stores"].map((each) => topicText(each, columns)),
  );
  const manuals = [...commands.values()].map((command) => manualText(command, columns));
  const lines = [...manuals, ...topics].flatMap((text) => text.split("\n"));
  const isToCopy = (line: string) => /^ +holdfast /.test(line) || !line.trimStart().includes(" ");
  expect(lines.filter((line) => line.length > columns && !isToCopy(line))).toEqual([]);
});

test("the global options stand in a topic of their own, and in no manual", async () => {
  expect(await topicText("options", 80)).toContain("--accept-rollback");
  for (const command of commands.values()) {
    const text = manualText(command, 80);
    expect(text).not.toContain("Global options\n");
    expect(text.replaceAll(/\s+/g, " ")).toContain("`holdfast help options`");
  }
});

test("the topic of stores names every parameter of a location", async () => {
  const text = await topicText("stores", 80);
  for (const parameter of s3Parameters) expect(text).toContain(`  ${parameter} `);
  expect(text).toContain("AWS_SECRET_ACCESS_KEY");
});
