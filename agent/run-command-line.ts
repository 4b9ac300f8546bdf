import { parseOptions } from "#agent/arguments/parse-options.ts";
import { refuseGarbledArguments } from "#agent/arguments/refuse-garbled-arguments.ts";
import { splitCommandLine } from "#agent/arguments/split-command-line.ts";
import { nearestName } from "#agent/arguments/nearest-name.ts";
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
  const secretSources = wiring.secretSources(globals);
  let opened: Promise<Engine> | undefined;
  const engine = () => (opened ??= wiring.engine({ globals, store, signal, secretSources, renderer }));
  const context = { options: values, globals, positionals, renderer, signal, writeBytes, secretSources, engine };
  try {
    if (!globals.help) return await command.run(context);
    const { help } = await import("#agent/commands/help.ts");
    return await help.run({ ...context, positionals: name === undefined ? [] : [command.name] });
  } finally {
    await (await opened)?.close();
  }
}

/** Commands of other backup programs, and what does the same here. */
const namesElsewhere: ReadonlyMap<string, string> = new Map([
  ["dump", "`holdfast cat`"],
  ["forget", "`holdfast rm`"],
  ["gc", "`holdfast maintenance`"],
  ["init", "`holdfast create`"],
  ["prune", "`holdfast rm`, and `holdfast maintenance` after it,"],
  ["snapshots", "`holdfast ls`"],
  ["verify", "`holdfast check`"],
]);

async function findCommand(leading: readonly string[], name: string | undefined): Promise<Command> {
  if (name === undefined) {
    if (parseOptions(globalOptions, leading, "Run `holdfast help`.").values.help) return commandTable.help();
    throw new HoldfastError("invalid", "Cannot run: no command is given", { hint: "Run `holdfast help`." });
  }
  if (isCommandName(name)) return commandTable[name]();
  const near = nearestName(name, commandNames);
  const ours = namesElsewhere.get(name);
  throw new HoldfastError("invalid", `Cannot run "${name}": there is no such command`, {
    hint: ours
      ? `What other programs call ${name} is ${ours} here.`
      : near
        ? `Did you mean \`holdfast ${near}\`?`
        : "Run `holdfast help` for the list of commands.",
  });
}
