import { defineCommand } from "./command.ts";
import { expectArguments } from "./expect-arguments.ts";

/** `holdfast maintenance`: gives back what no snapshot needs, and keeps the store quick to open. */
export const maintenance = defineCommand({
  name: "maintenance",
  summary: "free what no snapshot needs, and keep the store compact",
  synopsis: ["[options]"],
  manual: {
    description: [
      "Keeps a store healthy. It asks for no passphrase: what it decides by is not secret, and an agent's own signature is all it adds. Run it as often as you like, from any host, while backups, restores, checks and other maintenance run; nobody waits for it, and it waits for nobody. It can be killed at any moment and run again.",
      "In this order: packs that were condemned although a live snapshot needs them are revived. Packs that were condemned longer than the grace period ago are swept, which is final, and deleted; so are the states of removed snapshots of which nothing is left. Packs that no live snapshot needs are condemned: nothing is stored in them any more, but they can be read, and `holdfast undelete` brings a removed snapshot back until they are swept. What is still needed of packs that are mostly unneeded is copied into new packs, and many small packs are merged into few, so that less requests open and restore; neither decrypts anything. Last, a checkpoint is written that makes the store quick to open.",
      "So removed data leaves the store by two runs: one that condemns it and one, after the grace period, that deletes it. The grace period is 7 days unless `create` or --set-grace said otherwise.",
      "What a backup uploaded and never published counts as abandoned after --orphan-age, and then leaves like any pack; a state that no log entry publishes stays for the grace period, too. A backup that takes longer loses nothing: when it ends it takes its packs back. What says that it belongs to another store is left alone.",
      "The brake: if more than half of what is in use would be condemned in one run (see --brake), nothing is, nor is any state swept that was never published; a warning says what it would have been, and the exit code is partial. That happens when most snapshots were removed, which --force allows; or when the log of the store was set back, which it should not.",
      "A store whose log has lost its end is not touched: where a checkpoint tells of more entries, it is refused; where a state that no entry publishes was made by more of them, or old states are there and no entry at all, nothing is done and the exit code is partial. Run `holdfast repair` then. --force goes on where only states tell of it.",
      "While the state of a live snapshot cannot be read nothing is condemned, swept or deleted, because nobody knows what that snapshot needs.",
      "With --dry-run nothing is written or deleted. For stores in AWS S3 the report has an estimate in US dollars, by list prices: what the requests of this run cost, what is charged for packs that are deleted before the least time of their storage class, and what is saved each month, after this run and after the grace period.",
    ],
    exits: {
      corrupt: "the log is damaged, was set back or lost its end: nothing was done",
      partial: "something could not be read or deleted, the brake held, or states doubt the log",
      conflict: "others wrote to the log again and again meanwhile",
    },
    examples: [
      {
        line: "holdfast maintenance --dry-run",
        does: "Show what would be condemned, deleted and compacted, and what that costs.",
      },
      { line: "holdfast at s3://bucket/hosts maintenance", does: "Do it; run this once a day." },
      {
        line: "holdfast maintenance --set-grace 30d",
        does: "Keep what is condemned for 30 days from now on, and do the rest.",
      },
    ],
  },
  options: [
    { name: "dry-run", type: "flag", description: "Only show what would be done." },
    {
      name: "force",
      type: "flag",
      description: "Go on past the brake, and where states tell of entries that the log has lost.",
    },
    {
      name: "brake",
      type: "percent",
      value: "P",
      description: "Condemn at most P percent of the bytes in use in one run. Default 50.",
    },
    {
      name: "orphan-age",
      type: "duration",
      value: "TIME",
      description: "Take what a backup left unpublished for abandoned after TIME. Default 24h.",
    },
    {
      name: "set-grace",
      type: "duration",
      value: "TIME",
      description: "First set the grace period of the store, for everyone and for what is condemned already.",
    },
    { name: "no-compact", type: "flag", description: "Copy no packs." },
  ],
  async run({ options, positionals, engine }) {
    expectArguments("maintenance", positionals, { min: 0, max: 0, wanted: "no arguments" });
    const report = await (
      await engine()
    ).maintenance({
      dryRun: options["dry-run"],
      force: options.force,
      brakePercent: options.brake,
      orphanAgeMs: options["orphan-age"],
      setGraceMs: options["set-grace"],
      compact: !options["no-compact"],
    });
    return report.outcome;
  },
});
