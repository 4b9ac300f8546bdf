import { ofLine, parsePathReference } from "#agent/arguments/snapshot-reference.ts";
import { entryLine, entryRecord } from "#agent/render/describe-entry.ts";
import { snapshotHeading, snapshotLine, snapshotRecord } from "#agent/render/describe-snapshot.ts";
import { HoldfastError } from "#shared/errors.ts";
import { type CommandContext, defineCommand } from "./command.ts";
import type { SnapshotSummary } from "./engine.ts";
import { expectArguments } from "./expect-arguments.ts";
import { snapshotText } from "./line-options.ts";

/** `holdfast ls`: lists snapshots, or what is in one. */
export const ls = defineCommand({
  name: "ls",
  summary: "list snapshots, or what is in one",
  synopsis: ["[options]", "[options] SNAPSHOT[:PATH]"],
  manual: {
    description: [
      "Without an argument: one line for each snapshot, oldest first, with its id, time, size, number of entries, host, name, paths and tags, below a heading (none with --quiet). On a terminal long paths are shortened to its width. A snapshot of which a repair found files lost is marked DAMAGED, with their number. With --removed: the snapshots that were removed and can be brought back with `holdfast undelete`.",
      "With SNAPSHOT or SNAPSHOT:PATH: what is in that directory, or the entry itself when it is none; with --recursive everything below it. Nothing but the parts of the tree that are asked for is read.",
      `${snapshotText} --host, --name and --tag say among which \`latest\` counts.`,
      "Names are shown as UTF-8 where they are valid, with other bytes and all control characters escaped (`\\xff`, `\\n`, `\\u{202e}`); the backslash is `\\\\`. What is shown can be given back to restore and cat. With --json, names that are no UTF-8 come with their exact bytes in `pathBase64`.",
    ],
    exits: {
      absent: "there is no such store, snapshot or path",
      corrupt: "the log lost its end, or snapshots cannot be read: not all are listed",
    },
    examples: [
      { line: "holdfast ls --host web1 --latest 3", does: "The newest three snapshots of each line of web1." },
      {
        line: "holdfast ls --long latest:/etc/ssh",
        does: "The directory /etc/ssh in the newest snapshot of this host.",
      },
    ],
  },
  options: [
    {
      name: "long",
      short: "l",
      type: "flag",
      description: "Show type, permissions, links, owner, size and time of entries.",
    },
    { name: "recursive", short: "r", type: "flag", description: "Show everything below the directory." },
    {
      name: "tag",
      type: "text",
      value: "TAG",
      repeatable: true,
      description: "Only snapshots marked with TAG (with all, when repeated).",
    },
    { name: "host", type: "text", value: "HOST", description: "Only snapshots of HOST." },
    { name: "name", type: "text", value: "NAME", description: "Only snapshots of that name." },
    {
      name: "removed",
      type: "flag",
      description: "List removed snapshots instead, as long as `undelete` may find them.",
    },
    { name: "latest", type: "count", value: "N", description: "Only the newest N of each host, name and paths." },
  ],
  async run({ options, globals, positionals, renderer, signal, engine }) {
    expectArguments("ls", positionals, { min: 0, max: 1, wanted: "at most one SNAPSHOT[:PATH]" });
    const [what] = positionals;
    const { tag: tags, host, name, latest, long, recursive, removed } = options;
    if (what === undefined) {
      if (recursive) throw new HoldfastError("invalid", "Cannot use --recursive: no SNAPSHOT is given");
      await listSnapshots((await engine()).snapshots({ tags, host, name, latest, removed }), {
        renderer,
        signal,
        globals,
      });
      return "ok";
    }
    if (removed) throw new HoldfastError("invalid", "Cannot use --removed with a SNAPSHOT: it lists all removed ones");
    if (latest !== undefined) {
      throw new HoldfastError("invalid", "Cannot use --latest: it shortens lists of snapshots, and one is given");
    }
    const given = parsePathReference(what);
    const reference = { ...given, snapshot: ofLine(given.snapshot, { host, name, tags }) };
    for await (const entry of (await engine()).entries(reference, { recursive })) {
      signal.throwIfAborted();
      renderer.result("entry", entryRecord(entry), entryLine(entry, { long }));
    }
    return "ok";
  },
});

async function listSnapshots(
  snapshots: AsyncIterable<SnapshotSummary>,
  { renderer, signal, globals }: Pick<CommandContext<never>, "renderer" | "signal" | "globals">,
): Promise<void> {
  const columns = renderer.columns();
  let isFirst = true;
  for await (const snapshot of snapshots) {
    signal.throwIfAborted();
    if (isFirst) renderer.heading(snapshotHeading);
    isFirst = false;
    renderer.result("snapshot", snapshotRecord(snapshot), snapshotLine(snapshot, columns));
  }
  if (isFirst && !globals.json) renderer.notice({ level: "info", message: "No snapshots match." });
}
