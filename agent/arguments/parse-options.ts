import { parseArgs } from "node:util";
import { HoldfastError } from "#shared/errors.ts";
import { nearestName } from "./nearest-name.ts";
import { optionsElsewhere } from "./words-elsewhere.ts";
import type { OptionRow, OptionValue, OptionValues } from "./option-row.ts";
import { parseOptionValue } from "./parse-option-value.ts";

/** What stands on a command line: options by name, and the rest in order. */
export type ParsedOptions<Rows extends readonly OptionRow[]> = {
  readonly values: OptionValues<Rows>;
  readonly positionals: readonly string[];
};

/** A token of `parseArgs`, as far as it is used here. */
export type ArgumentToken = ReturnType<typeof tokenize>[number];

/**
 * Reads `args` by a table of options, written `--name value`, `--name=value` or `-n value`; `--` ends the options.
 *
 * @param usageHint - what to tell after a mistake, such as "Run `holdfast help backup`"
 * @throws {HoldfastError} invalid: an unknown option (with the nearest name), a value missing, bad or not wanted, or an
 *   option given twice that is not repeatable
 */
export function parseOptions<const Rows extends readonly OptionRow[]>(
  rows: Rows,
  args: readonly string[],
  usageHint: string,
): ParsedOptions<Rows> {
  const values: Record<string, OptionValue> = {};
  const lists: Record<string, string[]> = {};
  for (const row of rows) {
    if (row.repeatable) values[row.name] = lists[row.name] = [];
    else values[row.name] = row.type === "flag" ? false : undefined;
  }
  const positionals: string[] = [];
  for (const token of tokenize(rows, args)) {
    if (token.kind === "positional") positionals.push(token.value);
    if (token.kind !== "option") continue;
    const row = rows.find(({ name }) => name === token.name);
    if (!row) throw unknownOption(rows, token.rawName, usageHint);
    if (row.type === "flag") {
      if (token.value !== undefined)
        throw new HoldfastError("invalid", `Cannot use --${row.name}=…: it takes no value`);
      values[row.name] = true;
      continue;
    }
    const value = parseOptionValue(row, valueOf(row, token));
    const list = lists[row.name];
    if (list) list.push(String(value));
    else if (values[row.name] === undefined) values[row.name] = value;
    else throw new HoldfastError("invalid", `Cannot use --${row.name} twice: one value is wanted`, { hint: usageHint });
  }
  return { values: values as OptionValues<Rows>, positionals };
}

/** Splits `args` by a table of options without judging them: unknown options are tokens like others. */
export function tokenize(rows: readonly OptionRow[], args: readonly string[]) {
  const options = Object.fromEntries(
    rows.map(({ name, short, type }) => {
      const kind: "boolean" | "string" = type === "flag" ? "boolean" : "string";
      return [name, short === undefined ? { type: kind, multiple: true } : { type: kind, short, multiple: true }];
    }),
  );
  return parseArgs({ args: [...args], options, strict: false, allowPositionals: true, tokens: true }).tokens;
}

function valueOf(row: OptionRow, token: Extract<ArgumentToken, { kind: "option" }>): string {
  if (token.value === undefined || (token.value === "" && !token.inlineValue)) {
    throw new HoldfastError("invalid", `Cannot use ${token.rawName}: a value is missing (${row.value ?? "VALUE"})`);
  }
  if (!token.inlineValue && token.value.startsWith("-") && token.value !== "-") {
    throw new HoldfastError("invalid", `Cannot use ${token.rawName}: ${token.value} after it looks like an option`, {
      hint: `If it is the value, write --${row.name}=${token.value}`,
    });
  }
  return token.value;
}

function unknownOption(rows: readonly OptionRow[], rawName: string, usageHint: string): HoldfastError {
  const name = rawName.replace(/^-+/, "");
  const elsewhere = optionsElsewhere.get(name);
  if (elsewhere !== undefined) {
    const hint = `${elsewhere} ${usageHint}`;
    return new HoldfastError("invalid", `Cannot use ${rawName}: there is no such option`, {
      detail: { option: rawName },
      hint,
    });
  }
  const near = nearestName(
    name,
    rows.map((row) => row.name),
  );
  return new HoldfastError("invalid", `Cannot use ${rawName}: there is no such option`, {
    detail: near ? { option: rawName, nearest: `--${near}` } : { option: rawName },
    hint: near ? `Did you mean --${near}? ${usageHint}` : usageHint,
  });
}
