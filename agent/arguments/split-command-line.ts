import { HoldfastError } from "#shared/errors.ts";
import { nearestName } from "./nearest-name.ts";
import type { OptionRow } from "./option-row.ts";
import { tokenize } from "./parse-options.ts";
import { optionsElsewhere } from "./words-elsewhere.ts";

/** A command line, taken apart but not yet read. */
export type CommandLine = {
  /** What stood before the command's name: global options with their values. */
  readonly leading: readonly string[];
  /** What followed `at`. */
  readonly store: string | undefined;
  /** The command's name; undefined when there is none. */
  readonly name: string | undefined;
  /** What follows the command's name. */
  readonly rest: readonly string[];
};

/**
 * Finds `at STORE` and the command's name in `[global options] [at STORE] COMMAND ...`.
 *
 * @throws {HoldfastError} invalid: an unknown option before the name, `at` without a store, `at` twice
 */
export function splitCommandLine(globalOptions: readonly OptionRow[], args: readonly string[]): CommandLine {
  const leading: string[] = [];
  let store: string | undefined;
  let remaining = args;
  for (;;) {
    const word = tokenize(globalOptions, remaining).find((token) => token.kind !== "option");
    const wordIndex = word?.kind === "positional" ? word.index : remaining.length;
    const before = remaining.slice(0, wordIndex);
    refuseUnknown(globalOptions, before);
    leading.push(...before);
    const name = remaining[wordIndex];
    if (name !== "at") return { leading, store, name, rest: remaining.slice(wordIndex + 1) };
    if (store !== undefined) throw new HoldfastError("invalid", "Cannot use `at` twice: one store is wanted");
    store = remaining[wordIndex + 1];
    if (!store) {
      throw new HoldfastError("invalid", "Cannot use `at`: no store follows it", {
        hint: "Write `holdfast at /var/backups COMMAND` or `holdfast at s3://BUCKET/PREFIX COMMAND`.",
      });
    }
    remaining = remaining.slice(wordIndex + 2);
  }
}

function refuseUnknown(globalOptions: readonly OptionRow[], args: readonly string[]): void {
  for (const token of tokenize(globalOptions, args)) {
    if (token.kind !== "option" || globalOptions.some(({ name }) => name === token.name)) continue;
    const near = nearestName(
      token.name,
      globalOptions.map(({ name }) => name),
    );
    throw new HoldfastError(
      "invalid",
      `Cannot use ${token.rawName} before the command: there is no such global option`,
      {
        hint:
          optionsElsewhere.get(token.name) ??
          (near ? `Did you mean --${near}?` : "Options of a command follow its name. Run `holdfast help`."),
      },
    );
  }
}
