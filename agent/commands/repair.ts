import { defineCommand } from "./command.ts";
import { expectArguments } from "./expect-arguments.ts";

/** `holdfast repair`: says what is damaged and what would mend it, and mends it. */
export const repair = defineCommand({
  name: "repair",
  summary: "find damage in the store, and mend what can be mended",
  synopsis: ["[options]"],
  manual: {
    description: [
      "Looks at the log, the checkpoints, every state, the size of every pack, and for every blob that a snapshot needs, and says what is missing or damaged, what can be mended, and which snapshots and paths are lost. With --read every pack and every entry of the log is read and every chunk verified, as by `holdfast check --read`; without it damage inside packs goes unnoticed, but for condemned packs in which a snapshot could find something. Without --apply nothing is changed.",
      "With --apply: where the log has damaged or missing entries, a checkpoint of what is left lets it go on behind them, and snapshots that those had published are published again. Snapshots whose states are lost get new ones, made from what the packs say of themselves; so every snapshot comes back after all of `states/`, `checkpoints/` and even `log/` is gone, as long as its packs are there. Of the last case two things are forgotten: what was removed comes back, and the log begins anew.",
      "Data that is still readable in a damaged pack and has no other copy is stored again in a new pack. The damaged pack is marked for deletion: no backup builds on it, and after the grace period `holdfast maintenance` deletes it, if it is still damaged then. Files that cannot be recovered are named, and `holdfast ls` marks their snapshots; once a backup has stored the same content again, another repair gives it back to the older snapshots too. What was found lost is named by every repair until then, or until the snapshots are removed; damaged key slots too, which nothing can mend and `holdfast key remove` takes away.",
      "Packs that are missing are marked as missing, so that no backup builds on them. They may come back, for example when a disk is mounted that was not: maintenance never deletes them, nor what else the damaged snapshots need, and another `repair --apply` then makes the snapshots whole again. Before a pack counts as missing it is looked for three times. If one is there again when --apply begins, nothing is changed.",
      "The safety limit: where more than half of what the store holds is missing or does not read as it was written, in two packs at least or in all, --apply changes nothing, because more often a disk is not mounted or the way to the store is at fault. Mount it, or look from another host; --force goes on all the same.",
      "A snapshot that gets a new state gets a new id, which is told. It keeps its place among the others, and its old id still finds it. One that comes back from packs alone, where entries of the log are lost, gets the place of one of those, by its time; its old id is not known any more then.",
      "Objects are only added: no object is changed or deleted. Backups, restores and maintenance may run meanwhile; what a backup published in between and builds on a damaged pack is found by the next repair. It can be killed at any moment and run again. It takes an owner's key.",
      "Where this host has seen another log of this store than the one that is there, because entries are lost or the store was set back, --apply refuses to go on until --accept-rollback says that this is known.",
    ],
    exits: {
      corrupt: "something is damaged; with --apply: the log is not the one seen before",
      partial: "all was mended that can be, but something is lost; the report names it",
      denied: "the key may not read what others stored",
    },
    examples: [
      { line: "holdfast repair --read", does: "Read everything, say what is damaged and what would mend it." },
      { line: "holdfast repair --apply", does: "Mend what can be mended." },
      {
        line: "holdfast repair --apply --drop-lost",
        does: "Also remove snapshots of which nothing can be had any more.",
      },
    ],
  },
  options: [
    { name: "apply", type: "flag", description: "Mend what can be mended; else damage is only told." },
    { name: "read", type: "flag", description: "Read and verify all content." },
    { name: "drop-lost", type: "flag", description: "With --apply, remove snapshots of which nothing can be had." },
    { name: "force", type: "flag", description: "With --apply, go on though most of the store would be given up." },
  ],
  async run({ options, positionals, engine }) {
    expectArguments("repair", positionals, { min: 0, max: 0, wanted: "no arguments" });
    const report = await (
      await engine()
    ).repair({ apply: options.apply, read: options.read, dropLost: options["drop-lost"], force: options.force });
    return report.outcome;
  },
});
