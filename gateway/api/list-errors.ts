import { snapshotErrors } from "#shared/view/snapshot-errors.ts";
import { showName } from "#gateway/paths/show-name.ts";
import { answeringRoute } from "./api-route.ts";
import { apiSnapshot, apiSnapshotSchema, showText, splitPath } from "./api-snapshot.ts";
import { integerField, pathField } from "./query-field.ts";
import { integer, list, object, text } from "./schema.ts";

/** What it answers. */
export const listErrorsAnswer = object({
  snapshot: apiSnapshotSchema,
  total: integer("How many are listed in the snapshot; a very long list was cut short."),
  errors: list(
    object({ path: text("For people."), kind: text("A word."), message: text("One sentence.") }),
    "Those from `offset` on.",
  ),
  lost: list(text("In words."), "Kinds of metadata that the backup could not capture."),
});

/** GET api/errors */
export const listErrors = answeringRoute({
  name: "errors",
  summary: "What a backup could not read.",
  description: "Also files that changed while they were read, and kinds of metadata that could not be captured.",
  query: {
    path: pathField("A path in the snapshot."),
    offset: integerField("So many are left out.", { min: 0, max: 1e9, usual: 0 }),
    limit: integerField("So many at most.", { min: 1, max: 5000, usual: 1000 }),
  },
  answer: listErrorsAnswer,
  async run({ path, offset, limit }, { view, mount }) {
    const located = await view.locate(path);
    const errors = await snapshotErrors(located);
    return {
      snapshot: apiSnapshot(splitPath(mount, path).top, located.summary),
      total: errors.length,
      errors: errors.slice(offset, offset + limit).map((error) => ({
        path: showName(error.path),
        kind: showText(error.kind),
        message: showText(error.message),
      })),
      lost: located.tree.snapshot.header.lost.map(showText),
    };
  },
});
