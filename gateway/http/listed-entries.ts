import type { View, ViewEntry } from "#shared/view/view.ts";
import type { DirectoryQuery } from "./directory-query.ts";
import { sortedEntriesMax } from "./sorting.ts";

/** What a page shows. */
export type ListedEntries = {
  readonly entries: AsyncIterable<ViewEntry> | Iterable<ViewEntry>;
  /** Whether the order that was asked for is the order given: a directory that is too large comes by name. */
  readonly isSorted: boolean;
};

/** The entries of a page in the order of names, which may not be the one asked for. One more than its limit, where there are more. */
export function listedByName(view: View, path: string, query: DirectoryQuery): ListedEntries {
  const { sort, descending, after, limit } = query;
  const isSorted = sort === "name";
  return {
    entries: view.list(path, { after, limit: limit + 1, reverse: isSorted && descending, withAliases: true }),
    isSorted,
  };
}

/** All entries of a directory in an order other than by name; undefined: they are too many. */
export async function sortedEntries(
  view: View,
  path: string,
  { sort, descending }: { readonly sort: keyof typeof entryOrders; readonly descending: boolean },
): Promise<ViewEntry[] | undefined> {
  const found: ViewEntry[] = [];
  for await (const entry of view.list(path, { limit: sortedEntriesMax + 1, withAliases: true })) found.push(entry);
  if (found.length > sortedEntriesMax) return undefined;
  const order = entryOrders[sort];
  return found.sort((left, right) => (descending ? order(right, left) : order(left, right)));
}

/** Orders of a directory other than by name, ascending. */
export const entryOrders: { readonly [Sort in "size" | "time"]: (left: ViewEntry, right: ViewEntry) => number } = {
  size: (left, right) => left.sizeBytes - right.sizeBytes,
  time: (left, right) => left.mtimeSec - right.mtimeSec || left.mtimeNsec - right.mtimeNsec,
};
