import type { ViewEntry } from "#shared/view/view.ts";
import { encodePath, encodePathPart } from "#gateway/paths/encode-path.ts";
import { escapeHtml, showName } from "#gateway/paths/show-name.ts";
import type { DirectoryQuery } from "./directory-query.ts";
import type { ListedEntries } from "./listed-entries.ts";

/** What a page is made of. */
export type DirectoryPage = {
  /** Beginning of every URL, without a closing slash. */
  readonly prefix: string;
  /** What the top is called. */
  readonly topName: string;
  readonly directory: ViewEntry;
  readonly query: DirectoryQuery;
  readonly listed: ListedEntries;
};

/** Characters of HTML that are gathered before they are sent. */
const partLength = 32 * 1024;

const style = `:root{color-scheme:light dark}body{font:15px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:70rem;padding:0 1rem}
h1{font-size:1.2rem;font-weight:600;overflow-wrap:anywhere}table{border-collapse:collapse;width:100%}th,td{text-align:left;padding:.2rem .6rem}
th a,nav a{color:inherit}tr:hover td{background:color-mix(in srgb,currentColor 7%,transparent)}td{border-top:1px solid color-mix(in srgb,currentColor 15%,transparent)}
.n{text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap}.t{white-space:nowrap;font-variant-numeric:tabular-nums}td:first-child{overflow-wrap:anywhere}
a{text-decoration:none}a:hover{text-decoration:underline}footer{margin-top:1rem}.e{opacity:.65}`;

/** A directory as an HTML page, written as its entries are read. Names that are there to be shown are escaped; links have the exact bytes. */
export async function* directoryPage(page: DirectoryPage): AsyncGenerator<Uint8Array> {
  const { directory, query, listed, prefix } = page;
  let html = head(page);
  let shown = 0;
  let last: ViewEntry | undefined;
  let hasMore = false;
  for await (const entry of listed.entries) {
    if (shown === query.limit && (query.sort === "name" || !listed.isSorted)) {
      hasMore = true;
      break;
    }
    html += row(prefix, entry);
    shown++;
    last = entry;
    if (html.length >= partLength) {
      yield Buffer.from(html, "utf8");
      html = "";
    }
  }
  html += "</tbody></table><footer>";
  if (!listed.isSorted)
    html +=
      "<p>This directory is too large to be sorted so, or others wait for such pages: it is in the order of names.</p>";
  if (hasMore && last !== undefined) {
    const order = query.descending && listed.isSorted ? "desc" : "asc";
    html += `<p><a rel="next" href="?order=${order}&amp;limit=${query.limit}&amp;after=${encodePathPart(last.name)}">More</a></p>`;
  } else if (shown === 0) html += "<p>Nothing is here.</p>";
  if (directory.path !== "/" || directory.place?.source !== undefined) {
    html += `<p>Download this directory: <a href="?tar">tar</a> · <a href="?zip">zip</a></p>`;
  }
  yield Buffer.from(`${html}</footer></body></html>\n`, "utf8");
}

function head({ prefix, topName, directory, query }: DirectoryPage): string {
  const title = escapeHtml(directory.path === "/" ? topName : showName(directory.path));
  const column = (sort: DirectoryQuery["sort"], text: string): string => {
    const isThis = query.sort === sort;
    const order = isThis && !query.descending ? "desc" : "asc";
    const arrow = isThis ? (query.descending ? " ↓" : " ↑") : "";
    return `<a href="?sort=${sort}&amp;order=${order}">${text}${arrow}</a>`;
  };
  return `<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>${title}</title><style>${style}</style></head><body><h1>${breadcrumbs(prefix, topName, directory.path)}</h1><table><thead><tr><th>${column("name", "Name")}</th><th class="n">${column("size", "Size")}</th><th>${column("time", "Changed (UTC)")}</th><th>Mode</th></tr></thead><tbody>\n`;
}

function breadcrumbs(prefix: string, topName: string, path: string): string {
  let html = `<a href="${prefix}/">${escapeHtml(topName)}</a>`;
  let at = "";
  for (const part of path.split("/").filter((each) => each !== "")) {
    at += `/${part}`;
    html += ` / <a href="${prefix}${encodePath(at)}/">${escapeHtml(showName(part))}</a>`;
  }
  return html;
}

function row(prefix: string, entry: ViewEntry): string {
  const isDirectory = entry.type === "directory";
  const name = escapeHtml(showName(entry.name));
  const href = `${prefix}${encodePath(entry.path)}${isDirectory ? "/" : ""}`;
  const canOpen = isDirectory || entry.type === "symlink" || (entry.type === "file" && entry.error === undefined);
  const link = canOpen ? `<a href="${href}">${name}${isDirectory ? "/" : ""}</a>` : name;
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
  const time = new Date(seconds * 1000);
  return Number.isNaN(time.getTime()) ? "" : time.toISOString().slice(0, 19).replace("T", " ");
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
