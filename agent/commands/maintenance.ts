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
      "Data that no snapshot needs any more leaves the store by two runs. One marks its packs for deletion: nothing new is stored in them, but they can be read, and `holdfast undelete` brings a removed snapshot back. Another, after the grace period, deletes them for good, together with what the store kept of those snapshots. The grace period is 7 days unless `create` or --set-grace said otherwise; the report says when the next packs can be deleted.",
      "In this order: packs that are marked although a snapshot needs them are unmarked; packs whose grace period is over are deleted; packs that nothing needs are marked; what is still needed of packs that are mostly unneeded is copied into new packs, and many small packs are merged into few, so that opening and restoring take less requests (nothing is decrypted for that); and a checkpoint is written that makes the store quick to open.",
      "What a backup uploaded and never published, because it was interrupted, is kept for --orphan-age, so that the next backup can use it. Then it is marked and deleted like any other data. A backup that takes longer loses nothing: when it ends it takes its packs back. Objects of another store in the same place are not touched.",
      "The safety limit: if a run would mark more than half of what is in use, it marks nothing; if it would delete more than half of what is stored, it deletes nothing (see --brake). A warning says how much it would have been, and the exit code is partial. That is to be expected after most snapshots were removed: then use --force. What was left by interrupted backups does not count.",
      "Packs that `holdfast repair --apply` found missing or damaged are marked, too. If they are in the store again and whole, for example because a disk was not mounted when repair ran, they are kept, a warning says so, and the exit code is partial until another `holdfast repair --apply` gives them back to the snapshots that lost files.",
      "The grace period must have passed by the time in the log entries and by the store's own clock: the date that an S3 server sends, the times that a file system gives to files. If this machine's clock and the store's differ by more than an hour, nothing is done (exit code unavailable); --accept-clock goes on where the store's clock cannot be set. If the newest log entry is older than a month and than the grace period, the clock may have jumped: the first run only notes the time. What was marked by a clock that was ahead is marked anew.",
      "A log that has lost entries is not touched: where a checkpoint tells of more entries, the store is refused; where snapshots that no entry publishes were made by more of them or hold more than half of the store, or old ones are there and no entry at all, nothing is done and the exit code is partial. Run `holdfast repair` then. The global option --accept-rollback goes on where only such snapshots tell of it.",
      "While a snapshot's state cannot be read nothing is marked or deleted, because nobody knows what that snapshot needs.",
      "With --dry-run nothing is written or deleted. For stores in AWS S3 the report has an estimate in US dollars, by list prices: what the requests of this run cost, what is charged for packs that are deleted before the least time of their storage class, and what is saved each month, after this run and after the grace period.",
    ],
    exits: {
      corrupt: "the log is damaged, was set back or lost its end: nothing was done",
      partial: "not all was done; the first line of the report says what stopped it",
      unavailable: "the store does not answer, or its clock and this machine's differ",
      conflict: "others wrote to the log again and again meanwhile",
    },
    examples: [
      {
        line: "holdfast maintenance --dry-run",
        does: "Show what would be marked, deleted and compacted, and what that costs.",
      },
      { line: "holdfast at s3://bucket/hosts maintenance", does: "Do it; run this once a day." },
      {
        line: "holdfast maintenance --set-grace 30d",
        does: "Keep what is marked for deletion for 30 days from now on, and do the rest.",
      },
    ],
  },
  options: [
    { name: "dry-run", type: "flag", description: "Only show what would be done." },
    {
      name: "force",
      type: "flag",
      description: "Go on past the safety limit.",
    },
    {
      name: "brake",
      type: "percent",
      value: "P",
      description:
        "The safety limit: mark at most P percent of the bytes in use, and delete at most P percent of those stored. Default 50.",
    },
    {
      name: "orphan-age",
      type: "duration",
      value: "TIME",
      description: "Keep what an interrupted backup uploaded for TIME. Default 24h.",
    },
    {
      name: "set-grace",
      type: "duration",
      value: "TIME",
      description: "First set the grace period of the store, for everyone and for what is marked already.",
    },
    {
      name: "accept-clock",
      type: "flag",
      description: "Go on although this machine's clock and the store's differ by more than an hour.",
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
      acceptClock: options["accept-clock"],
      limitPercent: options.brake,
      orphanAgeMs: options["orphan-age"],
      setGraceMs: options["set-grace"],
      compact: !options["no-compact"],
    });
    return report.outcome;
  },
});
