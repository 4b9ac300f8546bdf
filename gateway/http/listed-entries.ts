import type { View, ViewEntry } from "#shared/view/view.ts";
import type { DirectoryQuery } from "./directory-query.ts";
import { sortedEntriesMax } from "./sorting.ts";

/** What a page shows. */
export type ListedEntries = {
  readonly entries: AsyncIterable<ViewEntry>;
  /** Whether the order that was asked for is the order given: a directory that is too large comes by name. */
  readonly isSorted: boolean;
};

/** The entries of a page, in the order asked for. One more than its limit, where there are more. */
export async function listedEntries(view: View, path: string, query: DirectoryQuery): Promise<ListedEntries> {
  const { sort, descending, after, limit } = query;
  if (sort === "name") {
    return { entries: view.list(path, { after, limit: limit + 1, reverse: descending }), isSorted: true };
  }
  const found: ViewEntry[] = [];
  for await (const entry of view.list(path, { limit: sortedEntriesMax + 1 })) found.push(entry);
  if (found.length > sortedEntriesMax) {
    return { entries: view.list(path, { after, limit: limit + 1 }), isSorted: false };
  }
  const order = entryOrders[sort];
  found.sort((left, right) => (descending ? order(right, left) : order(left, right)));
  return { entries: iterate(found), isSorted: true };
}

/** Orders of a directory other than by name, ascending. */
export const entryOrders: { readonly [Sort in "size" | "time"]: (left: ViewEntry, right: ViewEntry) => number } = {
  size: (left, right) => left.sizeBytes - right.sizeBytes,
  time: (left, right) => left.mtimeSec - right.mtimeSec || left.mtimeNsec - right.mtimeNsec,
};

async function* iterate(entries: readonly ViewEntry[]): AsyncGenerator<ViewEntry> {
  yield* entries;
}
