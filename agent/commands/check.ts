import { parseSnapshotReference } from "#agent/arguments/snapshot-reference.ts";
import { HoldfastError } from "#shared/errors.ts";
import { defineCommand } from "./command.ts";
import { snapshotText } from "./line-options.ts";

/** `holdfast check`: verifies the store. */
export const check = defineCommand({
  name: "check",
  summary: "verify the store, or the snapshots given",
  synopsis: ["[options] [SNAPSHOT...]"],
  manual: {
    description: [
      "Verifies that the log can be read as one unbroken chain, from a checkpoint on where there is one, that every key slot can be read, that every state and pack that it names is there with its size, that every tree can be walked, and that every chunk that a file needs is in a pack. No file content is read.",
      "With --read every pack is read, and every chunk opened and verified: what passes can be restored. So is every entry of the log before the checkpoint. Entries there that are missing or cut short (with --read: damaged) are named in a warning and listed as lost log entries, and the exit code is partial: every snapshot can be restored, but what they said stands in the checkpoint alone, and `holdfast repair` cannot bring them back; a copy of the store can. Those behind which an earlier repair went on are told, and count no more. With --read-percent a random sample of that share of the packs is read, another one each time.",
      "That no snapshot needs a pack that was condemned or swept is verified too. Packs that no snapshot needs, such as an interrupted backup leaves, are counted as information: `holdfast maintenance` collects them.",
      "Backups and maintenance may go on meanwhile. A snapshot that is removed while it is to be checked, and swept, is passed over with a warning.",
      snapshotText,
      "Damage is reported with the object that has it and the paths that need it. Nothing is changed or deleted.",
    ],
    exits: {
      corrupt: "damage was found; the report names it",
      partial: "something was not read, log entries are lost, or a condemned pack is needed",
    },
    examples: [
      { line: "holdfast check", does: "Verify the structure of the store and of all snapshots." },
      {
        line: "holdfast check --read-percent 5 latest",
        does: "Also read a random twentieth of what the newest snapshot of this host needs.",
      },
    ],
  },
  options: [
    { name: "read", type: "flag", description: "Read and verify all content." },
    { name: "read-percent", type: "percent", value: "P", description: "Read and verify a random sample of P percent." },
  ],
  async run({ options, positionals, engine }) {
    const percent = options["read-percent"];
    if (options.read && percent !== undefined) {
      throw new HoldfastError("invalid", "Cannot use --read with --read-percent: they exclude each other");
    }
    const snapshots = positionals.map(parseSnapshotReference);
    const report = await (await engine()).check({ snapshots, readPercent: options.read ? 100 : (percent ?? 0) });
    return report.outcome;
  },
});
