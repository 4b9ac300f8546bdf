import { parseSnapshotReference } from "#agent/arguments/snapshot-reference.ts";
import { describeEntryError } from "#agent/render/describe-entry-error.ts";
import { describeReport } from "#agent/render/describe-report.ts";
import { displayName } from "#agent/render/display-name.ts";
import { snapshotRecord } from "#agent/render/describe-snapshot.ts";
import { jsonName } from "#agent/render/json-text.ts";
import { HoldfastError } from "#shared/errors.ts";
import type { ReportValue } from "#shared/operations/progress.ts";
import { defineCommand } from "./command.ts";
import { expectArguments } from "./expect-arguments.ts";
import { snapshotText } from "./line-options.ts";

/** `holdfast info`: tells what a store or a snapshot is. */
export const info = defineCommand({
  name: "info",
  summary: "tell what the store, or a snapshot, is",
  synopsis: ["", "[--errors] SNAPSHOT"],
  manual: {
    description: [
      "Without an argument: the store's id, format, age, whether it is encrypted, how many snapshots, log entries and packs it has, how many of the packs are condemned (and swept when their grace period is over), and its chunk sizes, compression and grace period.",
      "With SNAPSHOT: all that its header says, and how many paths are lost, as the last repair found it. With --errors also each entry that its backup could not read, each file that changed while it was read, and the paths that are lost.",
      snapshotText,
    ],
    exits: { absent: "there is no such store or snapshot" },
    examples: [
      { line: "holdfast at s3://bucket/hosts info", does: "Tell about a store." },
      {
        line: "holdfast info --errors latest",
        does: "Tell about the newest snapshot of this host, and what is missing in it.",
      },
    ],
  },
  options: [
    { name: "errors", type: "flag", description: "List what the snapshot's backup could not read, and what is lost." },
  ],
  async run({ options, positionals, renderer, signal, engine }) {
    expectArguments("info", positionals, { min: 0, max: 1, wanted: "at most one SNAPSHOT" });
    const [what] = positionals;
    if (what === undefined) {
      if (options.errors) throw new HoldfastError("invalid", "Cannot use --errors: no SNAPSHOT is given");
      const store = await (await engine()).info();
      const { createdMs, ...rest } = store;
      renderer.result("store", store, describeFacts(`store ${store.storeId}`, { createdAtMs: createdMs, ...rest }));
      return "ok";
    }
    const reference = parseSnapshotReference(what);
    const opened = await engine();
    const snapshot = await opened.snapshot(reference);
    const { timeMs, paths, ...rest } = snapshot;
    const facts = { timeAtMs: timeMs, ...rest };
    const text = describeFacts(`snapshot ${snapshot.id}`, facts);
    renderer.result("snapshot", snapshotRecord(snapshot), `${text}\n  paths: ${paths.map(displayName).join(" ")}`);
    if (!options.errors) return "ok";
    for await (const error of opened.entryErrors({ by: "prefix", prefix: snapshot.id })) {
      signal.throwIfAborted();
      renderer.result(
        "recordedError",
        { kind: error.kind, message: error.message, ...jsonName("path", error.path) },
        describeEntryError(error),
      );
    }
    return "ok";
  },
});

function describeFacts(title: string, facts: Readonly<Record<string, ReportValue>>): string {
  const [, ...lines] = describeReport({ operation: "info", outcome: "ok", facts });
  return [title, ...lines].join("\n");
}
