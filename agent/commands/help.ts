import { nearestName } from "#agent/arguments/nearest-name.ts";
import { errorsTable } from "#agent/render/errors-text.ts";
import { jsonEvents } from "#agent/render/json-events.ts";
import { manualText, optionLines } from "#agent/render/manual-text.ts";
import { wrapText } from "#agent/render/wrap-text.ts";
import { HoldfastError } from "#shared/errors.ts";
import { defineCommand } from "./command.ts";
import { type CommandName, isCommandName } from "./command-names.ts";
import { commandTable } from "./command-table.ts";
import { expectArguments } from "./expect-arguments.ts";
import { globalOptions } from "./global-options.ts";

const topics = { errors: errorsText, json: jsonEventsText };

/** `holdfast help`: prints manuals. */
export const help = defineCommand({
  name: "help",
  summary: "print the overview, or a manual",
  synopsis: ["", "COMMAND", "errors", "json"],
  manual: {
    description: [
      "Without an argument: all commands with a line each. With the name of a command: its manual. `errors` is the table of exit codes, `json` the events of --json.",
    ],
    exits: {},
    examples: [
      { line: "holdfast help backup", does: "The manual of a command." },
      { line: "holdfast help errors", does: "The exit codes." },
    ],
  },
  options: [],
  async run({ positionals, renderer }) {
    expectArguments("help", positionals, { min: 0, max: 1, wanted: "at most one topic" });
    const topic = positionals[0] ?? "overview";
    const text = await topicText(topic);
    renderer.result("manual", { topic, text }, text);
    return "ok";
  },
});

async function topicText(topic: string): Promise<string> {
  if (topic === "overview") return overviewText();
  if (topic === "errors" || topic === "json") return topics[topic]();
  if (isCommandName(topic)) return manualText(await commandTable[topic](), globalOptions);
  const near = nearestName(topic, [...Object.keys(commandTable), ...Object.keys(topics)]);
  throw new HoldfastError("invalid", `Cannot help with "${topic}": there is no such command or topic`, {
    hint: near ? `Did you mean \`holdfast help ${near}\`?` : "Run `holdfast help`.",
  });
}

async function overviewText(): Promise<string> {
  const names = Object.keys(commandTable) as CommandName[];
  const commands = await Promise.all(names.map((name) => commandTable[name]()));
  return [
    "holdfast: backups of hosts to a directory or a bucket, deduplicated, encrypted and checked",
    "Usage\n  holdfast [global options] [at STORE] COMMAND [options] [arguments]",
    `Commands\n${commands.map(({ name, summary }) => `  ${name.padEnd(10)} ${summary}`).join("\n")}`,
    `Global options\n${globalOptions.flatMap(optionLines).join("\n")}`,
    [
      "Environment",
      "  HOLDFAST_STORE        the store, when the command line has no `at STORE`",
      "  HOLDFAST_PASSPHRASE   the passphrase, when --keyfile and --passphrase-command are not given",
      "  HOLDFAST_DEBUG        show where in the program a failure came from",
      "  NO_COLOR              no colours",
      "  XDG_DATA_HOME         where `holdfast/` is kept with this host's identity, by which it signs what it writes, what it",
      "                        has seen of each store, and journals of interrupted backups (default: ~/.local/share)",
      "  XDG_CACHE_HOME        where `holdfast/` is kept with what costs only time when it is gone (default: ~/.cache)",
      "  XDG_CONFIG_HOME       is not read: there is no file of settings",
    ].join("\n"),
    "STORE is a directory (/var/backups, file:///var/backups) or s3://BUCKET/PREFIX.",
    "More: `holdfast help COMMAND`, `holdfast help errors` (exit codes), `holdfast help json` (events).",
  ].join("\n\n");
}

function errorsText(): string {
  return `Every command ends with one of these exit codes.\n\n${errorsTable()}`;
}

function jsonEventsText(): string {
  const rows = Object.entries(jsonEvents).flatMap(([name, { members, comes }]) => [
    `  ${name}: ${comes}`,
    ...wrapText(members, 100, 6),
  ]);
  return [
    "With --json every line on standard output is one JSON object with the member `event`. Nothing goes to standard error. Members",
    "marked ? may be missing. Sizes are bytes, times milliseconds since 1970 UTC. New events and members may be added.",
    "A path whose bytes are no UTF-8 is shown with escapes, and has its exact bytes in a second member, `pathBase64`.",
    "",
    ...rows,
  ].join("\n");
}
