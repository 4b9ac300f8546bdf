import { relativeTo } from "#shared/snapshot/snapshot-tree.ts";
import { subtreeTotals } from "#shared/tree/read-tree.ts";
import { listWindow } from "#shared/view/list-window.ts";
import type { Located } from "#shared/view/located.ts";
import type { ViewEntry } from "#shared/view/view.ts";
import { entryOrders } from "#gateway/http/listed-entries.ts";
import { sortedEntriesMax, sorting } from "#gateway/http/sorting.ts";
import { apiEntry, apiEntrySchema } from "./api-entry.ts";
import { answeringRoute } from "./api-route.ts";
import { integerField, pathField, wordField } from "./query-field.ts";
import { flag, integer, list, nullable, object } from "./schema.ts";

/** What it answers. */
export const listEntriesAnswer = object({
  total: integer("Entries of the directory."),
  isSorted: flag("Whether they come in the order asked for."),
  entries: list(apiEntrySchema, "Those from `offset` on."),
  totals: list(nullable(integer("Bytes below it.")), "Of each entry that is a directory, the sum of the sizes below."),
});

/** GET api/entries */
export const listEntries = answeringRoute({
  name: "entries",
  summary: "A window of a directory.",
  description:
    "Any window of a directory of any size costs the same. Sorted by size or time only up to some thousand entries; larger ones come by name, and `isSorted` says so.",
  query: {
    path: pathField("A directory in a snapshot."),
    offset: integerField("So many are left out.", { min: 0, max: 1e9, usual: 0 }),
    limit: integerField("So many at most.", { min: 1, max: 500, usual: 200 }),
    sort: wordField(["name", "size", "time"], "The order."),
    order: wordField(["asc", "desc"], "Its direction."),
  },
  answer: listEntriesAnswer,
  async run({ path, offset, limit, sort, order }, { view }) {
    const located = await view.locate(path);
    const reverse = order === "desc";
    const byName = await listWindow(located, { offset, limit, reverse: sort === "name" && reverse });
    const { total } = byName;
    if (sort === "name" || total > sortedEntriesMax) {
      return { total, isSorted: sort === "name", ...(await told(located, byName.entries)) };
    }
    const shown = await sorting(async () => {
      const { entries } = await listWindow(located, { offset: 0, limit: total, reverse: false });
      const compare = entryOrders[sort];
      return entries.toSorted((a, b) => (reverse ? compare(b, a) : compare(a, b))).slice(offset, offset + limit);
    });
    return { total, isSorted: true, ...(await told(located, shown)) };
  },
});

async function told(located: Located, entries: readonly ViewEntry[]) {
  const totals: (number | null)[] = [];
  for (const entry of entries) totals.push(await bytesBelow(located, entry));
  return { entries: entries.map(apiEntry), totals };
}

async function bytesBelow({ tree, showsAll }: Located, { type, place }: ViewEntry): Promise<number | null> {
  if (type !== "directory" || place?.source === undefined || !showsAll) return null;
  const { source, path } = place;
  return (await subtreeTotals(source.tree, tree.readNode, relativeTo(source.root, path))).totalBytes;
}
