import { prepareScanThread } from "#agent/importers/scan-thread.ts";
import { sourceArgument } from "#agent/arguments/path-argument.ts";
import { ofLine, parseSnapshotReference, type SnapshotReference } from "#agent/arguments/snapshot-reference.ts";
import { HoldfastError } from "#shared/errors.ts";
import { defineCommand } from "./command.ts";
import { expectArguments } from "./expect-arguments.ts";
import { excludeArgument } from "./exclude-argument.ts";
import { readExcludeFile } from "./read-exclude-file.ts";
import { storedPath } from "./stored-path.ts";
import { streamOptions, streamRequest } from "./stream-request.ts";

/** Options that mean nothing where no files are read. */
const fileOptions = [
  "dry-run",
  "exclude",
  "exclude-file",
  "one-file-system",
  "no-xattr",
  "parent",
  "as",
  "ignore-inode",
  "ignore-ctime",
  "reread",
] as const;

/** Those of `fileOptions` that were given. */
function optionsForFiles(
  values: Readonly<Record<(typeof fileOptions)[number], boolean | number | string | readonly string[] | undefined>>,
): string[] {
  return fileOptions.filter((name) => {
    const value = values[name];
    return typeof value === "object" ? value.length > 0 : value !== undefined && value !== false;
  });
}

/** `holdfast backup`: writes a snapshot of directories and files. */
export const backup = defineCommand({
  name: "backup",
  summary: "write a snapshot of directories and files, or of a stream",
  synopsis: [
    "[options] PATH...",
    "[options] --stdin --stdin-filename PATH",
    "[options] --from-command PATH -- COMMAND [ARGUMENT...]",
  ],
  manual: {
    description: [
      "Reads every PATH and everything below it, stores what the store does not have yet, and publishes a snapshot. The snapshot shows all at once, at the very end: a backup that fails or is stopped leaves no half snapshot, and the next one takes up what was stored already.",
      "Files whose size, modification time, change time and inode are as in the newest snapshot of the same host and name that has the PATH are not opened again. exFAT, mergerfs, sshfs and some network filesystems give files other inodes after each mount: use --ignore-inode there. `chown` and `chmod` change the change time: with --ignore-ctime the content is not read again after them.",
      "A snapshot of ZFS, Btrfs or LVM that is mounted elsewhere continues the history of what it shows with --as: `backup --as /data /mnt/snapshot-of-data` stores it as /data.",
      "A PATH that is empty and was not, has lost nine of ten of at least 100 entries, or is no mount point any more, also below it, is reported, and the exit code is partial: a filesystem that is not mounted looks like this.",
      "What cannot be read is reported, recorded in the snapshot (`holdfast info SNAPSHOT --errors`), and gives the exit code partial; so is a name that its directory lists and that cannot be found. A file that changes while it is read is read up to three times; if it still changes it is kept as it was read last, marked, and reported.",
      "Files that changed less than a minute before they were read are read again by the next backup, because a filesystem may not show a second change so soon after the first (HOLDFAST_SETTLE_SECONDS sets another time). Filesystems without a change time of their own, such as FAT and exFAT, cannot show a change whose modification time was set back: --reread finds those in time, and damage of the disk.",
      "What a backup could not capture of an entry (extended attributes with --no-xattr, as another user, or without the package koffi) is read again by the next backup that can.",
      "Kept of each entry: type, permissions, owner by number and name, times to the nanosecond, links, devices, extended attributes with ACLs and capabilities, file flags, and holes. Sockets are recorded, not kept.",
      "Every PATH that is named is in the snapshot, also below a directory that is excluded or that another PATH reaches through a link only; or the report names it and the exit code is partial. A PATH that is missing does not keep the others from being backed up.",
      "A PATH that is a symlink is stored, and so is what it leads to, under its own path. `LINK/` or `LINK/.` stores what the link leads to under the path of the link. `..` after a link means the directory above what the link leads to. A pipe, a socket, a device or a name such as /dev/stdin is refused as a PATH. The store does not back itself up, wherever it is mounted.",
      "A stream is backed up as one file, in a snapshot of its own: standard input with --stdin, or what a command prints with --from-command. It may be of any size. The file has the mode 0600 and the user of this process as its owner. Snapshots of the same PATH continue one series, and content that is in the store is not stored again. Prefer --from-command: where the command fails, no snapshot is made, and its exit code is told, while nobody tells the reader of a pipe that the writer failed (in bash, `set -o pipefail` at least tells you). So an empty standard input is refused; an empty output of a command that succeeds is stored, with a warning. The command is run without a shell; it reads the standard input and writes to the standard error of this process, and does not see the passphrase in its environment.",
      "Patterns of --exclude are those of gitignore: `*.o` anywhere, `/tmp` at the root of a PATH, `cache/` directories only, `!keep.o` re-includes. The last pattern that matches wins. A directory that is excluded is not entered. A pattern that begins with a PATH, such as `/home/me/cache` for the PATH /home/me, names that place of the host. Patterns that matched nothing are listed in a warning.",
    ],
    exits: {
      corrupt: "the log is damaged, was set back or lost its end: nothing was written",
      partial: "the snapshot is there, but some entries could not be read, or a PATH is missing",
      absent: "there is no store, or no PATH exists; or standard input is empty, or there is no such command",
      unavailable: "the command of --from-command failed: no snapshot was made",
    },
    examples: [
      { line: "holdfast at /var/backups backup /etc /home", does: "Back up two directories into one snapshot." },
      {
        line: "holdfast backup --tag nightly --exclude '*.tmp' --exclude-file ~/.backupignore --one-file-system /",
        does: "Back up the root file system to HOLDFAST_STORE, without what the patterns name.",
      },
      {
        line: "holdfast backup --from-command /dumps/shop.sql -- pg_dump shop",
        does: "Back up what pg_dump prints, unless it fails.",
      },
      {
        line: "holdfast backup --stdin --stdin-filename /streams/data.zfs",
        does: "After `zfs send tank/data@today |`: back up that stream. `holdfast cat latest:/streams/data.zfs` gives it back.",
      },
    ],
  },
  options: [
    ...streamOptions,
    { name: "dry-run", short: "n", type: "flag", description: "Read and compare, but store nothing." },
    { name: "tag", type: "text", value: "TAG", repeatable: true, description: "Mark the snapshot with TAG." },
    { name: "name", type: "text", value: "NAME", description: "Name the line of snapshots that this one continues." },
    { name: "host", type: "text", value: "HOST", description: "Record HOST instead of this machine's name." },
    {
      name: "exclude",
      short: "e",
      type: "text",
      value: "PATTERN",
      repeatable: true,
      description: "Leave out what matches PATTERN (as in gitignore).",
    },
    {
      name: "exclude-file",
      type: "text",
      value: "FILE",
      repeatable: true,
      description: "Leave out what matches a pattern in FILE, one a line; these come before those of --exclude.",
    },
    { name: "one-file-system", short: "x", type: "flag", description: "Do not enter other file systems." },
    {
      name: "no-xattr",
      type: "flag",
      description: "Do not read extended attributes, and so neither ACLs nor capabilities.",
    },
    {
      name: "reread",
      type: "percent",
      value: "PERCENT",
      description:
        "Read also this share of the unchanged files, chosen at random, and report content that is another one under the same times.",
    },
    {
      name: "strict",
      type: "flag",
      description:
        "End with the exit code partial where a file changed while it was read, or --reread found other content.",
    },
    { name: "force", type: "flag", description: "Read every file, whatever the previous snapshot says." },
    {
      name: "parent",
      type: "text",
      value: "SNAPSHOT",
      description:
        "Compare with SNAPSHOT (default: for each PATH the newest of the same host and name that has it). If it has none of the paths but as many, they are compared in their order.",
    },
    {
      name: "as",
      type: "text",
      value: "PATH",
      repeatable: true,
      description:
        "Store the PATH that is read under another one. With several PATHs give one for each, in the same order.",
    },
    {
      name: "ignore-inode",
      type: "flag",
      description: "Do not read a file again because its inode is another one.",
    },
    {
      name: "ignore-ctime",
      type: "flag",
      description:
        "Do not read a file again because its change time is another one; its owner, mode and attributes are read.",
    },
    {
      name: "writer",
      type: "flag",
      description: "Use a writer's key: append only, with no right to read other snapshots.",
    },
  ],
  async run({ options, positionals, signal, engine }) {
    const stream = streamRequest(options, positionals, optionsForFiles(options));
    if (stream === undefined)
      expectArguments("backup", positionals, { min: 1, max: Number.POSITIVE_INFINITY, wanted: "at least one PATH" });
    if (options.force && options.parent !== undefined) {
      throw new HoldfastError("invalid", "Cannot use --force with --parent: they exclude each other");
    }
    if (stream === undefined) prepareScanThread();
    const fromFiles = await Promise.all(options["exclude-file"].map((path) => readExcludeFile(path, signal)));
    const report = await (
      await engine()
    ).backup({
      paths: stream === undefined ? positionals.map(sourceArgument) : [],
      stream,
      as: options.as.map(storedPath),
      ignoreInode: options["ignore-inode"],
      ignoreCtime: options["ignore-ctime"],
      rereadPercent: options.reread,
      strict: options.strict,
      dryRun: options["dry-run"],
      tags: options.tag,
      name: options.name,
      host: options.host,
      excludes: [...fromFiles.flat(), ...options.exclude.map(excludeArgument)],
      oneFileSystem: options["one-file-system"],
      xattrs: !options["no-xattr"],
      force: options.force,
      parent: parentReference(options),
      writer: options.writer,
    });
    return report.outcome;
  },
});

/** The parent that is asked for; `latest` counts the snapshots of the host that this backup is of. */
function parentReference({
  parent,
  host,
}: {
  readonly parent: string | undefined;
  readonly host: string | undefined;
}): SnapshotReference | undefined {
  if (parent === undefined) return undefined;
  const reference = parseSnapshotReference(parent);
  if (reference.by === "prefix" || reference.line !== undefined) return reference;
  return ofLine(reference, { host, name: undefined, tags: [] });
}
