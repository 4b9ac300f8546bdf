import { HoldfastError } from "#shared/errors.ts";
import type { StreamRequest } from "./engine.ts";

/** The options of `backup` that make a stream its source. */
export const streamOptions = [
  {
    name: "stdin",
    type: "flag",
    description: "Back up standard input as one file, at the path that --stdin-filename gives.",
  },
  {
    name: "stdin-filename",
    type: "text",
    value: "PATH",
    description: "Where the snapshot shows what --stdin reads; a PATH without a slash at its front begins at the root.",
  },
  {
    name: "from-command",
    type: "text",
    value: "PATH",
    description:
      "Run the command that follows `--`, and back up what it prints as the file PATH. No snapshot is made if it fails.",
  },
] as const;

type Values = {
  readonly stdin: boolean;
  readonly "stdin-filename": string | undefined;
  readonly "from-command": string | undefined;
};

const hint = "Write `backup --stdin --stdin-filename PATH`, or `backup --from-command PATH -- COMMAND`.";

/**
 * The stream that the options of `backup` ask for; undefined: they ask for none.
 *
 * @param others - options that were given and mean nothing for a stream, by name
 * @throws {HoldfastError} invalid: they do not fit together, or the path names no file
 */
export function streamRequest(
  values: Values,
  positionals: readonly string[],
  others: readonly string[],
): StreamRequest | undefined {
  const { stdin, "stdin-filename": filename, "from-command": commandPath } = values;
  if (stdin && commandPath !== undefined)
    throw new HoldfastError("invalid", "Cannot use --stdin with --from-command: one stream makes one snapshot", {
      hint,
    });
  if (!stdin && filename !== undefined)
    throw new HoldfastError("invalid", "Cannot use --stdin-filename without --stdin", { hint });
  if (!stdin && commandPath === undefined) {
    if (!positionals.includes("-")) return undefined;
    throw new HoldfastError("invalid", 'Cannot back up "-": it is not a file', {
      hint: `${hint} Write ./- for a file of that name.`,
    });
  }
  const option = stdin ? "--stdin" : "--from-command";
  if (others.length > 0) {
    const what = others.includes("dry-run") ? "the stream would be read for nothing" : "it is for files";
    throw new HoldfastError("invalid", `Cannot use --${others[0]} with ${option}: ${what}`);
  }
  if (!stdin) {
    if (positionals.length === 0)
      throw new HoldfastError("invalid", "Cannot use --from-command: no command follows", { hint });
    return { path: streamPath("--from-command", commandPath ?? ""), command: positionals };
  }
  if (filename === undefined)
    throw new HoldfastError("invalid", "Cannot use --stdin without --stdin-filename: the file needs a name", { hint });
  if (positionals.length > 0) {
    throw new HoldfastError("invalid", "Cannot use --stdin with a PATH: a stream is a snapshot of its own", {
      hint: "Run the backup of files and that of the stream one after the other.",
    });
  }
  return { path: streamPath("--stdin-filename", filename), command: undefined };
}

/** The place that a name is given in a snapshot: nothing of this host is looked at. */
function streamPath(option: string, text: string): string {
  const parts = text.split("/").filter((part) => part !== "" && part !== ".");
  if (parts.length === 0 || /\/\.?$/.test(text) || text.includes("\0"))
    throw new HoldfastError("invalid", `Cannot use ${option}=${text}: it names no file`);
  if (parts.includes(".."))
    throw new HoldfastError("invalid", `Cannot use ${option}=${text}: ".." has no meaning inside a snapshot`);
  return Buffer.from(`/${parts.join("/")}`, "utf8").toString("latin1");
}
