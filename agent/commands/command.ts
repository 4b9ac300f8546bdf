import type { OptionRow, OptionValue, OptionValues } from "#agent/arguments/option-row.ts";
import type { SecretSources } from "#agent/config/read-secret.ts";
import type { Renderer } from "#agent/render/renderer.ts";
import type { ErrorKind } from "#shared/errors.ts";
import type { Engine } from "./engine.ts";
import type { GlobalValues } from "./global-options.ts";

/** What the person at the terminal reads about a command. */
export type Manual = {
  /** Paragraphs. */
  readonly description: readonly string[];
  /** The kinds of failure that this command adds to the usual ones. */
  readonly exits: Partial<Readonly<Record<ErrorKind, string>>>;
  readonly examples: readonly { readonly line: string; readonly does: string }[];
};

/** How a command that did not throw ended: `ok` is exit code 0, a kind is the kind's. */
export type Outcome = "ok" | ErrorKind;

/** What a command works with. */
export type CommandContext<Values> = {
  readonly options: Values;
  readonly globals: GlobalValues;
  /** The arguments that are no options. */
  readonly positionals: readonly string[];
  readonly renderer: Renderer;
  /** Aborted by SIGINT, SIGTERM and SIGHUP, and when nobody reads standard output any more. */
  readonly signal: AbortSignal;
  /** The store's operations. @throws {HoldfastError} invalid: no store was named */
  readonly engine: () => Promise<Engine>;
  /** Writes bytes to standard output; resolves when more are welcome. */
  readonly writeBytes: (bytes: Uint8Array) => Promise<void>;
  readonly secretSources: SecretSources;
};

/** A command: what it is called, what its manual says, what it takes, and what it does. */
export type Command<Values = Readonly<Record<string, OptionValue>>> = {
  readonly name: string;
  /** One line for the overview. */
  readonly summary: string;
  /** The forms of the command line after the command's name. */
  readonly synopsis: readonly string[];
  readonly manual: Manual;
  readonly options: readonly OptionRow[];
  run(context: CommandContext<Values>): Promise<Outcome>;
};

/** Declares a command; the type of `context.options` follows from its table of options. */
export function defineCommand<const Rows extends readonly OptionRow[]>(
  command: Omit<Command<OptionValues<Rows>>, "options"> & { readonly options: Rows },
): Command {
  return { ...command, run: (context) => command.run({ ...context, options: context.options as OptionValues<Rows> }) };
}
