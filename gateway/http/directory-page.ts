import { calendarTime } from "#shared/view/calendar-time.ts";
import type { ViewEntry } from "#shared/view/view.ts";
import { encodePathPart } from "#gateway/paths/encode-path.ts";
import { escapeHtml, showName } from "#gateway/paths/show-name.ts";
import type { DirectoryQuery } from "./directory-query.ts";
import type { LinkedDirectories, PageLink } from "./linked-directories.ts";
import type { ListedEntries } from "./listed-entries.ts";

/** What a page is made of. */
export type DirectoryPage = {
  /** What the top is called. */
  readonly topName: string;
  readonly directory: ViewEntry;
  /** Its path as it was asked for. */
  readonly path: string;
  readonly links: Pick<LinkedDirectories, "linkOf">;
  readonly query: DirectoryQuery;
  readonly listed: ListedEntries;
};

/** Characters of HTML that are gathered before they are sent. */
const partLength = 32 * 1024;

const style = `:root{color-scheme:light dark}body{font:15px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:70rem;padding:0 1rem}
h1{font-size:1.2rem;font-weight:600;overflow-wrap:anywhere}table{border-collapse:collapse;width:100%}th,td{text-align:left;padding:.2rem .6rem}
tr:hover td{background:color-mix(in srgb,currentColor 7%,transparent)}td{border-top:1px solid color-mix(in srgb,currentColor 15%,transparent)}
.n{text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap}.t{white-space:nowrap;font-variant-numeric:tabular-nums}td:first-child{overflow-wrap:anywhere}
form{display:inline}th button{all:unset;cursor:pointer;font-weight:600}th button:focus-visible{outline:auto}a{text-decoration:none}a:hover{text-decoration:underline}footer{margin-top:1rem}.e{opacity:.65}`;

/**
 * A directory as an HTML page, written as its entries are read. Names that are there to be shown are escaped; links have the exact bytes, and
 * are relative, so that they are right wherever a proxy puts the page. What programs that follow links should not follow is a button.
 */
export async function* directoryPage(page: DirectoryPage): AsyncGenerator<Uint8Array> {
  const { directory, query, listed, links } = page;
  let html = head(page);
  let shown = 0;
  let last: ViewEntry | undefined;
  let hasMore = false;
  for await (const entry of listed.entries) {
    if (shown === query.limit && (query.sort === "name" || !listed.isSorted)) {
      hasMore = true;
      break;
    }
    html += row(entry, await links.linkOf(entry));
    shown++;
    last = entry;
    if (html.length >= partLength) {
      yield Buffer.from(html, "utf8");
      html = "";
    }
  }
  html += "</tbody></table><footer>";
  if (hasMore && last !== undefined) {
    const order = query.descending && listed.isSorted ? "desc" : "asc";
    html += `<p><a rel="next" href="?order=${order}&amp;limit=${query.limit}&amp;after=${encodePathPart(last.name)}">More</a></p>`;
  } else if (shown === 0) html += "<p>Nothing is here.</p>";
  if (directory.path !== "/" || directory.place?.source !== undefined) {
    html += `<form method="get">Download this directory: <button name="tar">tar</button> <button name="zip">zip</button></form>`;
  }
  yield Buffer.from(`${html}</footer></body></html>\n`, "utf8");
}

function head({ topName, path, query, listed }: DirectoryPage): string {
  const title = escapeHtml(path === "/" ? topName : showName(path));
  const column = (sort: DirectoryQuery["sort"], text: string): string => {
    const isThis = query.sort === sort;
    const order = isThis && !query.descending ? "desc" : "asc";
    const arrow = isThis ? (query.descending ? " ↓" : " ↑") : "";
    return `<form method="get"><input type="hidden" name="order" value="${order}"><button name="sort" value="${sort}">${text}${arrow}</button></form>`;
  };
  const notice = listed.isSorted
    ? ""
    : "<p>This directory is too large to be sorted so, or others wait for such pages: it is in the order of names.</p>";
  return `<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>${title}</title><style>${style}</style></head><body><h1>${breadcrumbs(topName, path)}</h1>${notice}<table><thead><tr><th>${column("name", "Name")}</th><th class="n">${column("size", "Size")}</th><th>${column("time", "Changed (UTC)")}</th><th>Mode</th></tr></thead><tbody>\n`;
}

/** The directories above, each by the way up to it. */
function breadcrumbs(topName: string, path: string): string {
  const names = [
    topName,
    ...path
      .split("/")
      .filter((each) => each !== "")
      .map(showName),
  ];
  const last = names.length - 1;
  return names
    .map((name, index) =>
      index === last ? escapeHtml(name) : `<a href="${"../".repeat(last - index)}">${escapeHtml(name)}</a>`,
    )
    .join(" / ");
}

function row(entry: ViewEntry, opens: PageLink): string {
  const slash = opens === "directory" ? "/" : "";
  const name = escapeHtml(showName(entry.name)) + slash;
  const link = opens === "none" ? name : `<a href="${encodePathPart(entry.name)}${slash}">${name}</a>`;
  const more = entry.target === undefined ? "" : ` → ${escapeHtml(showName(entry.target))}`;
  const { snapshot } = entry;
  const size =
    snapshot === undefined
      ? entry.type === "file"
        ? entry.sizeBytes.toLocaleString("en")
        : ""
      : snapshot.totalBytes.toLocaleString("en");
  const note =
    entry.error !== undefined
      ? ` <span class="e">not in the backup: ${escapeHtml(entry.error)}</span>`
      : snapshot === undefined
        ? ""
        : ` <span class="e">${escapeHtml([snapshot.name, ...snapshot.tags].join(" · "))}</span>`;
  return `<tr><td>${link}${more}${note}</td><td class="n">${size}</td><td class="t">${timeText(entry.mtimeSec)}</td><td class="t">${modeText(entry)}</td></tr>\n`;
}

function timeText(seconds: number): string {
  return calendarTime(seconds).replace("T", " ");
}

const typeLetters: Readonly<Record<ViewEntry["type"], string>> = {
  directory: "d",
  file: "-",
  symlink: "l",
  fifo: "p",
  socket: "s",
  characterDevice: "c",
  blockDevice: "b",
};

function modeText({ type, mode }: ViewEntry): string {
  const bits = (shift: number): string =>
    [4, 2, 1].map((bit, index) => ((mode >> shift) & bit ? "rwx"[index] : "-")).join("");
  return typeLetters[type] + bits(6) + bits(3) + bits(0);
}
