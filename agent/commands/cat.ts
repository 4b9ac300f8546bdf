import { ofLine, parsePathReference } from "#agent/arguments/snapshot-reference.ts";
import { HoldfastError } from "#shared/errors.ts";
import { defineCommand } from "./command.ts";
import { expectArguments } from "./expect-arguments.ts";
import { lineOptions, snapshotText } from "./line-options.ts";

/** `holdfast cat`: writes the content of files to standard output. */
export const cat = defineCommand({
  name: "cat",
  summary: "write files of a snapshot to standard output",
  synopsis: ["[options] SNAPSHOT:PATH..."],
  manual: {
    description: [
      "Writes the content of each file, one after the other, to standard output. Every byte is verified before it is written; at the first that does not verify the command ends with the exit code integrity, and what was written until then is right.",
      `${snapshotText} --host, --name and --tag say among which \`latest\` counts.`,
      "Bytes are no JSON: --json is refused.",
    ],
    exits: {
      corrupt: "stored bytes did not verify",
      absent: "there is no such store, snapshot or path, or it was removed and swept meanwhile",
    },
    examples: [
      { line: "holdfast cat latest:/etc/fstab", does: "Show a file as it was at the last backup of this host." },
      { line: "holdfast cat latest@web1:/etc/fstab", does: "The same of the host web1." },
      {
        line: "holdfast cat 3f2ac1:/srv/dump.sql | psql",
        does: "Feed a file to a program without writing it to disk.",
      },
    ],
  },
  options: lineOptions,
  async run({ globals, options, positionals, engine, signal, writeBytes }) {
    expectArguments("cat", positionals, {
      min: 1,
      max: Number.POSITIVE_INFINITY,
      wanted: "at least one SNAPSHOT:PATH",
    });
    if (globals.json) throw new HoldfastError("invalid", "Cannot use --json with cat: it writes bytes");
    const line = { host: options.host, name: options.name, tags: options.tag };
    const references = positionals.map((text) => {
      const reference = parsePathReference(text);
      if (reference.path !== undefined) return { ...reference, snapshot: ofLine(reference.snapshot, line) };
      throw new HoldfastError("invalid", `Cannot write "${text}": it names no file`, { hint: "Write SNAPSHOT:PATH." });
    });
    const opened = await engine();
    for (const reference of references) {
      for await (const bytes of opened.read(reference)) {
        signal.throwIfAborted();
        await writeBytes(bytes);
      }
    }
    return "ok";
  },
});
