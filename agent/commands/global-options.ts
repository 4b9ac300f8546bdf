import type { OptionRow, OptionValues } from "#agent/arguments/option-row.ts";

/** Options that every command takes, before or after its name. */
export const globalOptions = [
  {
    name: "json",
    type: "flag",
    description: "Write events as JSON, one a line, to standard output (see `holdfast help json`).",
  },
  { name: "quiet", short: "q", type: "flag", description: "Show no progress and no report, only warnings and errors." },
  { name: "stdio", type: "flag", description: "Plain output: no progress display and no colours, even on a terminal." },
  {
    name: "keyfile",
    type: "text",
    value: "FILE",
    description: "Key file to open the store with. The file must exist even for commands that need no key.",
  },
  {
    name: "passphrase-command",
    type: "text",
    value: "CMD",
    description: "Run CMD in a shell and take the first line that it prints as the passphrase.",
  },
  {
    name: "concurrency",
    type: "count",
    value: "N",
    description: "Keep at most N requests to the store in flight, and use at most N worker threads.",
  },
  {
    name: "retry-for",
    type: "duration",
    value: "DURATION",
    description:
      "Keep trying for DURATION while the store does not answer (default 15m; a mount answers its clients after 20s); 0s: give up at once.",
  },
  { name: "no-cache", type: "flag", description: "Neither read nor write the local cache." },
  { name: "cache-dir", type: "text", value: "DIR", description: "Keep the local cache in DIR." },
  {
    name: "accept-rollback",
    type: "flag",
    description:
      "Use the store even though its history does not match what this host saw before: it was restored from an older copy, or is a copy that others wrote to. This host trusts the new history from then on.",
  },
  { name: "help", short: "h", type: "flag", description: "Show the manual of the command." },
  { name: "version", short: "V", type: "flag", description: "Show the version." },
] as const satisfies readonly OptionRow[];

/** The parsed global options. */
export type GlobalValues = OptionValues<typeof globalOptions>;
