/** How a directory page is asked for. */
export type DirectoryQuery = {
  readonly sort: "name" | "size" | "time";
  readonly descending: boolean;
  /** Only names after this one (before it where names descend); a binary string. */
  readonly after: string | undefined;
  /** Entries on the page at most; infinite where nothing is asked: programs take a page for all there is. */
  readonly limit: number;
};

/** Reads `?sort=size&order=desc&after=NAME&limit=N`. What it does not understand it leaves out. */
export function directoryQuery(url: string, newestFirst: boolean): DirectoryQuery {
  const values = queryValues(url);
  const sort = values.get("sort");
  const order = values.get("order");
  const limit = Number(values.get("limit") ?? "");
  return {
    sort: sort === "size" || sort === "time" ? sort : "name",
    descending: order === "desc" || (order !== "asc" && newestFirst),
    after: values.get("after"),
    limit: Number.isSafeInteger(limit) && limit > 0 ? limit : Number.POSITIVE_INFINITY,
  };
}

/** The values of a query by name, as binary strings: escapes stand for bytes. The first of each name counts. */
export function queryValues(url: string): ReadonlyMap<string, string> {
  const query = /\?([^#]*)/.exec(url)?.[1] ?? "";
  const values = new Map<string, string>();
  for (const pair of query.split("&").slice(0, 64)) {
    const [name = "", ...rest] = pair.split("=");
    if (!values.has(name)) values.set(name, bytesOf(rest.join("=")));
  }
  return values;
}

function bytesOf(written: string): string {
  return Buffer.from(written, "utf8")
    .toString("latin1")
    .replaceAll(/%([0-9a-f]{2})/gi, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
}
