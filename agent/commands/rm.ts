import { parseSnapshotReference } from "#agent/arguments/snapshot-reference.ts";
import { snapshotLine, snapshotRecord } from "#agent/render/describe-snapshot.ts";
import { defineCommand } from "./command.ts";
import { expectArguments } from "./expect-arguments.ts";
import { snapshotText } from "./line-options.ts";

/** `holdfast rm`: removes snapshots. */
export const rm = defineCommand({
  name: "rm",
  summary: "remove snapshots",
  synopsis: ["[--apply] SNAPSHOT..."],
  manual: {
    description: [
      "Shows what would be removed; with --apply removes it. Several snapshots go in one step: all or none.",
      snapshotText,
      "Removal frees nothing by itself and can be taken back (`holdfast undelete`) until the store's maintenance has swept the data, which is never before the grace period is over. Other snapshots keep all that they share with a removed one.",
    ],
    exits: {
      corrupt: "the log is damaged, was set back or lost its end: nothing was written",
      absent: "there is no such store or snapshot",
      conflict: "others wrote to the log again and again meanwhile",
    },
    examples: [
      { line: "holdfast rm latest~7", does: "Show which snapshot that is." },
      { line: "holdfast rm --apply 3f2ac1 77b0e4", does: "Remove two snapshots." },
    ],
  },
  options: [{ name: "apply", type: "flag", description: "Do it. Without this nothing is changed." }],
  async run({ options, positionals, renderer, engine }) {
    expectArguments("rm", positionals, { min: 1, max: Number.POSITIVE_INFINITY, wanted: "at least one SNAPSHOT" });
    const references = positionals.map(parseSnapshotReference);
    const removed = await (await engine()).remove(references, { apply: options.apply });
    const verb = options.apply ? "removed" : "would remove";
    for (const snapshot of removed) {
      renderer.result(
        options.apply ? "removed" : "wouldRemove",
        snapshotRecord(snapshot),
        `${verb} ${snapshotLine(snapshot)}`,
      );
    }
    if (!options.apply) renderer.notice({ level: "info", message: "Nothing was changed. Add --apply to remove." });
    return "ok";
  },
});
