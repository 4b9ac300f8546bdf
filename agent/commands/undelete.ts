import { parseSnapshotReference } from "#agent/arguments/snapshot-reference.ts";
import { snapshotLine, snapshotRecord } from "#agent/render/describe-snapshot.ts";
import { HoldfastError } from "#shared/errors.ts";
import { defineCommand } from "./command.ts";
import { expectArguments } from "./expect-arguments.ts";

/** `holdfast undelete`: takes the removal of snapshots back. */
export const undelete = defineCommand({
  name: "undelete",
  summary: "take the removal of snapshots back",
  synopsis: ["SNAPSHOT..."],
  manual: {
    description: [
      "Makes removed snapshots visible again, all or none. This works until the store's maintenance has swept data that they need; then the command ends with the exit code absent and says so.",
      "Snapshots are given by a prefix of their id of at least 4 hex digits; `latest` counts visible snapshots and does not work here.",
    ],
    exits: {
      corrupt: "the log is damaged, was set back or lost its end: nothing was written",
      absent: "there is no such removed snapshot, or its data was swept",
      conflict: "others wrote to the log again and again meanwhile",
    },
    examples: [
      { line: "holdfast undelete 3f2ac1", does: "Take one removal back." },
      { line: "holdfast at s3://bucket/hosts undelete 3f2ac1 77b0e4", does: "Take two back in one step." },
    ],
  },
  options: [],
  async run({ positionals, renderer, engine }) {
    expectArguments("undelete", positionals, {
      min: 1,
      max: Number.POSITIVE_INFINITY,
      wanted: "at least one SNAPSHOT",
    });
    const references = positionals.map(parseSnapshotReference);
    if (references.some(({ by }) => by === "age")) {
      throw new HoldfastError("invalid", 'Cannot undelete "latest": it counts visible snapshots', {
        hint: "Give the beginning of the removed snapshot's id.",
      });
    }
    for (const snapshot of await (await engine()).undelete(references)) {
      renderer.result("undeleted", snapshotRecord(snapshot), `undeleted ${snapshotLine(snapshot)}`);
    }
    return "ok";
  },
});
