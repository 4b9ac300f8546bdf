import { compareDirectories } from "#shared/view/compare-directories.ts";
import { encodePath } from "#gateway/paths/encode-path.ts";
import { showName } from "#gateway/paths/show-name.ts";
import { apiEntry, apiEntrySchema } from "./api-entry.ts";
import { streamingRoute } from "./api-route.ts";
import { apiSnapshot, apiSnapshotSchema, splitPath } from "./api-snapshot.ts";
import { integerField, pathField } from "./query-field.ts";
import { flag, integer, lineOf, list, nullable, object, text, word } from "./schema.ts";

/** What it answers, a line each. */
export const comparePathsAnswer = lineOf({
  between: object({ left: apiSnapshotSchema, right: apiSnapshotSchema }),
  change: object({
    path: text("Relative to the directories, bytes as %XX."),
    name: text("The same for people."),
    kind: word(["added", "removed", "changed"], "How they differ."),
    parts: list(
      word(
        ["type", "content", "time", "mode", "owner", "target", "attributes", "device", "error"],
        "What of it changed.",
      ),
      "Empty unless it changed.",
    ),
    left: nullable(apiEntrySchema),
    right: nullable(apiEntrySchema),
  }),
  end: object({ changes: integer("How many were told."), isComplete: flag("Whether those are all.") }),
});

/** GET api/compare */
export const comparePaths = streamingRoute({
  name: "compare",
  summary: "What differs between two directories.",
  description:
    "Of the same directory in two snapshots, the work is in proportion to what changed, not to what is there. The first line names the snapshots.",
  query: {
    left: pathField("The older directory."),
    right: pathField("The newer directory."),
    limit: integerField("Changes at most.", { min: 1, max: 200_000, usual: 20_000 }),
  },
  answer: comparePathsAnswer,
  async run({ left, right, limit }, { view, mount }, push, signal) {
    const one = await view.locate(left);
    const other = await view.locate(right);
    const between = {
      left: apiSnapshot(splitPath(mount, left).top, one.summary),
      right: apiSnapshot(splitPath(mount, right).top, other.summary),
    };
    let changes = 0;
    for await (const { path, kind, parts, left: before, right: after } of compareDirectories(one, other)) {
      signal.throwIfAborted();
      if (changes === 0) await push({ between });
      if (changes >= limit) return push({ end: { changes, isComplete: false } });
      changes++;
      await push({
        change: {
          path: encodePath(path),
          name: showName(path),
          kind,
          parts,
          left: before === undefined ? null : apiEntry(before),
          right: after === undefined ? null : apiEntry(after),
        },
      });
    }
    if (changes === 0) await push({ between });
    return push({ end: { changes, isComplete: true } });
  },
});
