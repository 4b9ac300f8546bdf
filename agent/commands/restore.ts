import { pathArgument } from "#agent/arguments/path-argument.ts";
import { ofLine, parsePathReference } from "#agent/arguments/snapshot-reference.ts";
import { HoldfastError } from "#shared/errors.ts";
import { defineCommand } from "./command.ts";
import type { Overwrite } from "./engine.ts";
import { expectArguments } from "./expect-arguments.ts";
import { lineOptions, snapshotText } from "./line-options.ts";

const overwriteWords = ["always", "changed", "never"] as const satisfies readonly Overwrite[];

/** `holdfast restore`: writes what is in a snapshot back to disk. */
export const restore = defineCommand({
  name: "restore",
  summary: "write a snapshot, a directory or a file of one back to disk",
  synopsis: ["[options] SNAPSHOT[:PATH]"],
  manual: {
    description: [
      "With --to DIR: a whole snapshot goes below DIR with its full paths (/etc/hosts becomes DIR/etc/hosts); SNAPSHOT:/a/directory puts what is in that directory into DIR; SNAPSHOT:/a/file makes DIR/file. DIR is made if it is not there.",
      "Without --to everything goes back to where it came from. Then --overwrite must be given, so that nothing is replaced by accident. With --to its default is never.",
      "Nothing is ever written outside the target: names in a snapshot are checked, and symbolic links that lie in the way are not followed. A file of more than one chunk, or one that replaces another, is written under a temporary name (`.holdfast-…`) and takes its place when it is whole and verified; a restore that is stopped leaves no part of a file. Only one that is killed, or a power cut, may leave temporary names.",
      `${snapshotText} --host, --name and --tag say among which \`latest\` counts.`,
      "Without --to, `latest` is refused where it means a snapshot of another host, unless the host is named. Names are given as `holdfast ls` shows them: `\\xff` stands for a byte that is no UTF-8.",
      "Of a snapshot that is removed and swept while it is restored, what is gone is named and left out, and is no damage.",
      "Owners and groups, and the users and groups of POSIX ACLs, are restored by name: a user who has another number here gets what was his. A name that is not known here keeps its number. With --numeric-owner all keep their numbers. ACLs of NFS version 4 are restored as they are, with a warning.",
      "What the running user may not restore (owners, devices, some attributes) is reported for each entry, and gives the exit code partial.",
    ],
    exits: {
      partial: "some entries, or some of their attributes, could not be restored",
      corrupt: "stored bytes did not verify; the files concerned are named and not written",
      absent: "there is no such store, snapshot or path",
    },
    examples: [
      { line: "holdfast restore latest:/etc/ssh --to /tmp/ssh", does: "Put what was in /etc/ssh into /tmp/ssh." },
      {
        line: "holdfast restore latest@web1 --to /srv/web1",
        does: "Put the newest snapshot of web1 below /srv/web1.",
      },
      {
        line: "holdfast restore 3f2ac1 --overwrite changed",
        does: "Bring everything in the snapshot back to its place, and rewrite only what differs.",
      },
    ],
  },
  options: [
    ...lineOptions,
    { name: "to", type: "text", value: "DIR", description: "Restore below DIR instead of in place." },
    {
      name: "overwrite",
      type: "text",
      value: "WHEN",
      choices: overwriteWords,
      description:
        "Replace files that are there: always; changed, only those whose size or modification time differs; never.",
    },
    { name: "dry-run", short: "n", type: "flag", description: "Say what would be done, and write nothing." },
    {
      name: "numeric-owner",
      type: "flag",
      description: "Restore owners, and users and groups of ACLs, by number, not by name.",
    },
    { name: "no-owner", type: "flag", description: "Leave owners to the system." },
    {
      name: "no-xattr",
      type: "flag",
      description: "Do not restore extended attributes, and so neither ACLs nor capabilities.",
    },
    { name: "sparse", type: "flag", description: "Make holes of long runs of zeros, also where the source had none." },
  ],
  async run({ options, positionals, engine }) {
    expectArguments("restore", positionals, { min: 1, max: 1, wanted: "one SNAPSHOT[:PATH]" });
    const overwrite = overwriteWords.find((word) => word === options.overwrite);
    if (options.to === undefined && overwrite === undefined) {
      throw new HoldfastError("invalid", "Cannot restore in place: nothing says what to do with files that are there", {
        hint: "Give --to DIR, or one of --overwrite always, changed or never.",
      });
    }
    if (options["numeric-owner"] && options["no-owner"]) {
      throw new HoldfastError("invalid", "Cannot use --numeric-owner with --no-owner: they exclude each other");
    }
    const { host, name, tag: tags } = options;
    const { snapshot, path } = parsePathReference(positionals[0]!);
    const report = await (
      await engine()
    ).restore({
      reference: { snapshot: ofLine(snapshot, { host, name, tags }), path },
      target: options.to === undefined ? undefined : pathArgument(options.to),
      overwrite: overwrite ?? "never",
      dryRun: options["dry-run"],
      owners: options["no-owner"] ? "none" : options["numeric-owner"] ? "numbers" : "names",
      xattrs: !options["no-xattr"],
      sparse: options.sparse,
    });
    return report.outcome;
  },
});
