import { pathArgument } from "#agent/arguments/path-argument.ts";
import { ofLine, parsePathReference } from "#agent/arguments/snapshot-reference.ts";
import { displayName } from "#agent/render/display-name.ts";
import { jsonName } from "#agent/render/json-text.ts";
import type { Renderer } from "#agent/render/renderer.ts";
import { HoldfastError } from "#shared/errors.ts";
import { defineCommand } from "./command.ts";
import { excludeArgument } from "./exclude-argument.ts";
import type { EntryFate, Overwrite } from "./engine.ts";
import { expectArguments } from "./expect-arguments.ts";
import { lineOptions, snapshotText } from "./line-options.ts";

const overwriteWords = ["always", "changed", "never"] as const satisfies readonly Overwrite[];

function showEntry(renderer: Renderer, place: string, fate: EntryFate): void {
  renderer.result("restoredEntry", { fate, ...jsonName("path", place) }, `${fate.padEnd(7)}  ${displayName(place)}`);
}

/** `holdfast restore`: writes what is in a snapshot back to disk. */
export const restore = defineCommand({
  name: "restore",
  summary: "write a snapshot, a directory or a file of one back to disk",
  synopsis: ["[options] SNAPSHOT[:PATH]", "[options] SNAPSHOT PATH..."],
  manual: {
    description: [
      "With --to DIR: a whole snapshot goes below DIR with its full paths (/etc/hosts becomes DIR/etc/hosts); SNAPSHOT:/a/directory puts what is in that directory into DIR; SNAPSHOT:/a/file makes DIR/file. DIR is made if it is not there.",
      "SNAPSHOT PATH... restores several files and directories: with --to each goes below DIR with its full path. --include and --exclude choose among what is named, with the patterns of `holdfast backup`: `*.o` anywhere, `/tmp` at the root of a source, `/home/me/cache` that place. --exclude wins over --include. Patterns that matched nothing are told.",
      "--dry-run names each file and says what would become of it, and --verbose what became of it: create, replace, keep (it is right already) or leave (something was there, and --overwrite is never). Files that are left are named in any case: the first ten, all of them with --json.",
      "Without --to everything goes back to where it came from. Then --overwrite must be given, so that nothing is replaced by accident. With --to its default is never.",
      "Nothing is ever written outside the target: names in a snapshot are checked, and symbolic links that lie in the way are not followed. A file of more than one chunk, or one that replaces another, is written under a temporary name (`.holdfast-restore-…`) and takes its place when it is whole and verified; a restore that is stopped leaves no part of a file. Only one that is killed, or a power cut, may leave temporary names: the next restore into the same directories removes them, and no backup stores them.",
      "When it says done, what it wrote is on the disk: it syncs the filesystems that it wrote to (syncfs) first. A file gets its time of modification only after its content is on the disk, so that --overwrite changed never takes a file that a power cut left half written for a whole one.",
      "A restore can be repeated over its own result. Directories that their owner may not write are made writable for the time being; immutable and append-only are taken away and put back, where that is permitted. A file that is a mount of its own cannot be replaced: its content is written over, which is told. Where the target cannot make hard links (exFAT, other mounts below the target), the other names of a file become copies, which is told.",
      "When the target is full, its quota is used up, or it fails or is read-only, nothing more is fetched and the exit code is 69. Run it again with --overwrite changed to go on.",
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
      unavailable: "the target takes no more (full, quota, read-only, failing); it is said how far the restore came",
    },
    examples: [
      { line: "holdfast restore latest:/etc/ssh --to /tmp/ssh", does: "Put what was in /etc/ssh into /tmp/ssh." },
      {
        line: "holdfast restore latest@web1 --to /srv/web1",
        does: "Put the newest snapshot of web1 below /srv/web1.",
      },
      {
        line: "holdfast restore latest /etc/ssh /home/ada --exclude '*.tmp' --to /tmp/back",
        does: "Put two directories below /tmp/back, without files that end in .tmp.",
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
    {
      name: "include",
      short: "i",
      type: "text",
      value: "PATTERN",
      repeatable: true,
      description: "Restore only what matches PATTERN (as in gitignore), and the directories that lead there.",
    },
    {
      name: "exclude",
      short: "e",
      type: "text",
      value: "PATTERN",
      repeatable: true,
      description: "Do not restore what matches PATTERN (as in gitignore).",
    },
    { name: "verbose", short: "v", type: "flag", description: "Name each file, and what became of it." },
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
  async run({ options, positionals, renderer, engine }) {
    expectArguments("restore", positionals, {
      min: 1,
      max: Number.MAX_SAFE_INTEGER,
      wanted: "one SNAPSHOT[:PATH], or a SNAPSHOT and PATHs",
    });
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
    const [first = "", ...others] = positionals;
    const { snapshot, path } = parsePathReference(first);
    if (path !== undefined && others.length > 0) {
      throw new HoldfastError(
        "invalid",
        `Cannot restore ${first} and further PATHs: only one way to name them is taken`,
        {
          hint: "Give the SNAPSHOT alone first, then all PATHs.",
        },
      );
    }
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
      paths: others.map((text) => parsePathReference(`latest:${text}`).path ?? "/"),
      includes: options.include.map(excludeArgument),
      excludes: options.exclude.map(excludeArgument),
      onEntry: options.verbose || options["dry-run"] ? (place, fate) => showEntry(renderer, place, fate) : undefined,
    });
    return report.outcome;
  },
});
