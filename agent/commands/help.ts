import { nearestName } from "#agent/arguments/nearest-name.ts";
import { commandsElsewhere } from "#agent/arguments/words-elsewhere.ts";
import { type Definition, definitions, paragraph } from "#agent/render/definitions.ts";
import { exitCodes } from "#agent/render/errors-text.ts";
import { jsonEvents } from "#agent/render/json-events.ts";
import { manualColumns, manualText, optionLines } from "#agent/render/manual-text.ts";
import { wrapText } from "#agent/render/wrap-text.ts";
import { HoldfastError } from "#shared/errors.ts";
import { defineCommand } from "./command.ts";
import { type CommandName, isCommandName } from "./command-names.ts";
import { commandTable } from "./command-table.ts";
import { expectArguments } from "./expect-arguments.ts";
import { globalOptions } from "./global-options.ts";
import { storesText } from "./stores-text.ts";

/** What `help` explains beside the commands. */
const topics = {
  errors: errorsText,
  json: jsonEventsText,
  options: globalOptionsText,
  stores: storesText,
} satisfies Record<string, (columns: number) => string>;

/** `holdfast help`: prints manuals. */
export const help = defineCommand({
  name: "help",
  summary: "print the overview, or a manual",
  synopsis: ["", "COMMAND", "TOPIC"],
  manual: {
    description: [
      "Without an argument: all commands with a line each. With the name of a command: its manual. With a topic: `stores`, how a store is named, with all parameters and where credentials come from; `options`, what every command takes; `errors`, the exit codes; `json`, the events of `--json`.",
    ],
    exits: {},
    examples: [
      { line: "holdfast help backup", does: "The manual of a command." },
      { line: "holdfast help stores", does: "How stores are named, and where credentials come from." },
    ],
  },
  options: [],
  async run({ positionals, renderer }) {
    expectArguments("help", positionals, { min: 0, max: 1, wanted: "at most one topic" });
    const topic = positionals[0] ?? "overview";
    const text = await topicText(topic, manualColumns(renderer.columns()));
    renderer.result("manual", { topic, text }, text);
    return "ok";
  },
});

/** The text of a topic: `overview`, a command, or one of `topics`. */
export async function topicText(topic: string, columns: number): Promise<string> {
  if (topic === "overview") return overviewText(columns);
  if (isTopic(topic)) return topics[topic](columns);
  if (isCommandName(topic)) return manualText(await commandTable[topic](), columns);
  const near = nearestName(topic, [...Object.keys(commandTable), ...Object.keys(topics)]);
  throw new HoldfastError("invalid", `Cannot help with "${topic}": there is no such command or topic`, {
    hint:
      commandsElsewhere.get(topic) ??
      (near ? `Did you mean \`holdfast help ${near}\`?` : "Run `holdfast help` for the commands and topics."),
  });
}

function isTopic(name: string): name is keyof typeof topics {
  return Object.hasOwn(topics, name);
}

async function overviewText(columns: number): Promise<string> {
  const names = Object.keys(commandTable) as CommandName[];
  const commands = await Promise.all(names.map((name) => commandTable[name]()));
  return [
    paragraph("holdfast: backups of hosts to a directory or a bucket, deduplicated, encrypted and checked", columns),
    "Usage\n  holdfast [global options] [at STORE] COMMAND [options] [arguments]",
    `Commands\n${definitions(
      commands.map(({ name, summary }) => [name, summary]),
      columns,
    )}`,
    `Environment\n${definitions(environmentVariables, columns)}`,
    paragraph("STORE is a directory, or s3://BUCKET/PREFIX: see `holdfast help stores`.", columns),
    paragraph(
      "More: `holdfast help COMMAND` (manual), `holdfast help options` (what every command takes), `holdfast help errors` (exit codes), `holdfast help json` (events for programs).",
      columns,
    ),
  ].join("\n\n");
}

const environmentVariables: readonly Definition[] = [
  ["HOLDFAST_STORE", "the store, where the command line has no `at STORE`"],
  ["HOLDFAST_PASSPHRASE", "the passphrase, unless --keyfile or --passphrase-command is given"],
  ["HOLDFAST_SETTLE_SECONDS", "files that changed so shortly before a backup read them are read again (default: 60)"],
  ["HOLDFAST_DEBUG", "1 shows where in the program a failure came from"],
  ["NO_COLOR", "1 turns colours off"],
  [
    "XDG_DATA_HOME",
    "its directory `holdfast` keeps this host's identity, which signs what it writes, what it has seen of each store, and journals of interrupted backups (default: ~/.local/share)",
  ],
  ["XDG_CACHE_HOME", "its directory `holdfast` keeps what costs only time when it is gone (default: ~/.cache)"],
  ["XDG_CONFIG_HOME", "not read: there is no configuration file"],
];

function globalOptionsText(columns: number): string {
  const intro = paragraph("Global options stand before or after the name of a command.", columns);
  return `${intro}\n\n${globalOptions.flatMap((row) => optionLines(row, columns)).join("\n")}`;
}

function errorsText(columns: number): string {
  const rows = exitCodes().map(({ exitCode, exitName, meaning, retry }): Definition => {
    return [`${String(exitCode).padStart(3)}  ${exitName}`, retry ? `${meaning}; a retry can help` : meaning];
  });
  return `Every command ends with one of these exit codes.\n\n${definitions(rows, columns)}`;
}

function jsonEventsText(columns: number): string {
  const rows = Object.entries(jsonEvents).flatMap(([name, { members, comes }]) => [
    ...wrapText(`${name}: ${comes}`, columns, 2),
    ...wrapText(members, columns, 6),
  ]);
  return [
    paragraph(
      "With --json every line on standard output is one JSON object with the member `event`. Nothing goes to standard error. Members marked ? may be missing. Sizes are bytes, times milliseconds since 1970 UTC. New events and members may be added. A path whose bytes are not UTF-8 is shown with escapes, and has its exact bytes in a second member, `pathBase64`.",
      columns,
    ),
    "",
    ...rows,
  ].join("\n");
}
