import type { Mount } from "#gateway/mount.ts";
import { isBelow } from "#shared/tree/read-tree.ts";
import { findEntry } from "#gateway/paths/find-entry.ts";
import { apiEntry, apiEntrySchema } from "./api-entry.ts";
import { streamingRoute } from "./api-route.ts";
import { apiSnapshot, apiSnapshotSchema, joinPath, snapshotTops, splitPath } from "./api-snapshot.ts";
import { integerField, pathField, wordField } from "./query-field.ts";
import { flag, integer, lineOf, nullable, object } from "./schema.ts";

/** What it answers, a line each. */
export const listHistoryAnswer = lineOf({
  version: object({
    snapshot: apiSnapshotSchema,
    entry: nullable(apiEntrySchema),
    isCovered: flag("Whether the path lies in what that snapshot is of; if not, nothing follows from its absence."),
  }),
  end: object({ snapshots: integer("Snapshots looked into."), isComplete: flag("Whether that is all.") }),
});

/** GET api/history */
export const listHistory = streamingRoute({
  name: "history",
  summary: "One path in every snapshot.",
  description: "The newest snapshot first, a line for each; `entry` is null where the path is not.",
  query: {
    path: pathField("A path in a snapshot."),
    hosts: wordField(["same", "all"], "In snapshots of the same host, or of all."),
    limit: integerField("Snapshots at most.", { min: 1, max: 100_000, usual: 5000 }),
  },
  answer: listHistoryAnswer,
  async run({ path, hosts, limit }, { view, mount }, push, signal) {
    const { inside } = splitPath(mount, path);
    const { summary } = await view.locate(path);
    let snapshots = 0;
    for await (const top of snapshotTops(view, mount)) {
      signal.throwIfAborted();
      if (hosts === "same" && top.snapshot.host !== summary.host) continue;
      if (snapshots++ >= limit) return push({ end: { snapshots: limit, isComplete: false } });
      const entry = await findEntry(view, joinPath(top.path, inside));
      const snapshot = apiSnapshot(top.path, top.snapshot);
      const isCovered = entry !== undefined || covers(top.snapshot.roots, inside, mount);
      await push({ version: { snapshot, entry: entry === undefined ? null : apiEntry(entry), isCovered } });
    }
    return push({ end: { snapshots, isComplete: true } });
  },
});

/** Whether a path lies at or below one of the roots of a snapshot. Of a part of a snapshot that is mounted alone nothing is known. */
function covers(roots: readonly string[], inside: string, mount: Mount): boolean {
  if (mount.kind === "snapshot") return true;
  return roots.some((root) => root === "/" || isBelow(inside, root));
}
