import { parseOptions } from "#agent/arguments/parse-options.ts";
import { refuseGarbledArguments } from "#agent/arguments/refuse-garbled-arguments.ts";
import { splitCommandLine } from "#agent/arguments/split-command-line.ts";
import { nearestName } from "#agent/arguments/nearest-name.ts";
import { commandsElsewhere } from "#agent/arguments/words-elsewhere.ts";
import type { Command, Outcome } from "#agent/commands/command.ts";
import { commandNames, isCommandName } from "#agent/commands/command-names.ts";
import { commandTable } from "#agent/commands/command-table.ts";
import { type GlobalValues, globalOptions } from "#agent/commands/global-options.ts";
import type { Engine } from "#agent/commands/engine.ts";
import type { Renderer } from "#agent/render/renderer.ts";
import { HoldfastError } from "#shared/errors.ts";
import type { Wiring } from "./wiring.ts";

/** What a command line runs in. */
export type Surroundings = {
  readonly wiring: Wiring;
  readonly signal: AbortSignal;
  /** Makes the renderer of this run, once its global options are known. */
  renderer(globals: Pick<GlobalValues, "json" | "quiet" | "stdio">): Renderer;
  readonly writeBytes: (bytes: Uint8Array) => Promise<void>;
};

/**
 * Runs one command line: finds the command, reads its options, runs it, and closes what it opened.
 *
 * @returns how the command ended
 * @throws {HoldfastError} and whatever else the command throws; the renderer has not seen it yet
 */
export async function runCommandLine(args: readonly string[], surroundings: Surroundings): Promise<Outcome> {
  refuseGarbledArguments(args);
  const { leading, store, name, rest } = splitCommandLine(globalOptions, args);
  const command = await findCommand(leading, name);
  const rows = [...command.options, ...globalOptions];
  const { values, positionals } = parseOptions(rows, [...leading, ...rest], `Run \`holdfast help ${command.name}\`.`);
  const globals: GlobalValues = values;
  const renderer = surroundings.renderer(globals);
  const { wiring, signal, writeBytes } = surroundings;
  const secretSources = wiring.secretSources(globals, { isInputTaken: Object.entries(values).some(takesInput) });
  let opened: Promise<Engine> | undefined;
  const engine = () => (opened ??= wiring.engine({ globals, store, signal, secretSources, renderer }));
  const context = { options: values, globals, positionals, renderer, signal, writeBytes, secretSources, engine };
  try {
    if (globals.help) {
      const { help } = await import("#agent/commands/help.ts");
      return await help.run({ ...context, positionals: name === undefined ? [] : [command.name] });
    }
    if (globals.version) return await (await commandTable.version()).run({ ...context, positionals: [] });
    const outcome = await command.run(context);
    // The overview is an answer, but whoever wrote a command into a script, and lost it, must not see a success.
    return name === undefined ? "invalid" : outcome;
  } finally {
    await (await opened)?.close();
  }
}

/** Whether an option has the command read standard input, so that nothing else may. */
function takesInput([name, value]: readonly [string, unknown]): boolean {
  return name === "stdin" && value === true;
}

async function findCommand(leading: readonly string[], name: string | undefined): Promise<Command> {
  if (name === undefined) {
    parseOptions(globalOptions, leading, "Run `holdfast help`.");
    return commandTable.help();
  }
  if (isCommandName(name)) return commandTable[name]();
  throw new HoldfastError("invalid", `Cannot run "${name}": there is no such command`, { hint: commandHint(name) });
}

/** What to run instead of a command that does not exist. */
export function commandHint(name: string): string {
  const elsewhere = commandsElsewhere.get(name);
  if (elsewhere !== undefined) return elsewhere;
  const near = nearestName(name, commandNames);
  return near === undefined ? "Run `holdfast help` for the list of commands." : `Did you mean \`holdfast ${near}\`?`;
}
