import { systemClock } from "#shared/clock.ts";
import { HoldfastError } from "#shared/errors.ts";
import { isLatestAlias } from "#shared/view/latest-aliases.ts";
import type { View, ViewEntry } from "#shared/view/view.ts";
import { tarDirectory } from "#gateway/archive/tar-directory.ts";
import { zipDirectory } from "#gateway/archive/zip-directory.ts";
import { bodyStream } from "#gateway/content/body-stream.ts";
import { contentDisposition } from "#gateway/content/content-disposition.ts";
import { commonHeaders, pageSecurityPolicy } from "#gateway/content/security-headers.ts";
import type { Mount } from "#gateway/mount.ts";
import { findFollowed } from "#gateway/paths/find-entry.ts";
import { relativeLocation } from "#gateway/paths/relative-location.ts";
import { requestPath } from "#gateway/paths/request-path.ts";
import { directoryQuery, queryValues } from "./directory-query.ts";
import { textPage } from "./error-page.ts";
import { fileResponse } from "./file-response.ts";
import { LinkedDirectories } from "./linked-directories.ts";
import { sortedPage } from "./sorted-page.ts";

/** What one request asks. */
export type Asked = {
  readonly view: View;
  readonly mount: Mount;
  readonly prefix: string;
  readonly request: Request;
  readonly method: "GET" | "HEAD";
};

/** The answer to GET or HEAD: a file, a page or an archive of a directory, or where a link leads. Throws what the view throws. */
export async function answerGet(asked: Asked): Promise<Response> {
  const { view, mount, prefix, request, method } = asked;
  const place = requestPath(request.url, prefix);
  if (place === undefined) return textPage(404, "", method);
  const entry = await findFollowed(view, place.path);
  if (entry === undefined) return textPage(404, "", method);
  const named = await namedPath(view, mount, place.path);
  // A directory at once by its slash: rclone takes what redirects to a path without one for a file.
  if (named !== undefined) return redirect(asked, named + (place.isDirectory || entry.type === "directory" ? "/" : ""));
  switch (entry.type) {
    case "directory":
      return place.isDirectory ? directory(asked, entry, place.path) : redirect(asked, `${place.path}/`);
    case "file": {
      if (place.isDirectory) return textPage(404, "", method);
      if (entry.error !== undefined) return textPage(404, "the backup could not read this file", method);
      const extra = queryValues(request.url).has("download")
        ? { "Content-Disposition": contentDisposition("attachment", entry.name) }
        : undefined;
      const { headers } = request;
      const common = { view, entry, method, headers, nowMs: systemClock.nowMs() };
      return fileResponse(extra === undefined ? common : { ...common, extra });
    }
    default:
      return textPage(404, "this is no file", method);
  }
}

/**
 * The same path by the name of the snapshot, where it begins with an alias as `latest`: clients that go on from there stay in that snapshot.
 * Undefined: it begins with none. There must be such a snapshot.
 */
async function namedPath(view: View, mount: Mount, path: string): Promise<string | undefined> {
  const [, top = ""] = path.split("/", 2);
  if (mount.kind !== "store" || !isLatestAlias(top)) return undefined;
  const { snapshot } = await view.stat(`/${top}`);
  return snapshot === undefined ? undefined : `/${snapshot.directory}${path.slice(top.length + 1)}`;
}

/** To another path, the query kept. */
function redirect({ prefix, request: { url }, method }: Asked, to: string): Response {
  const query = /\?[^#]*/.exec(url)?.[0] ?? "";
  const location = relativeLocation(url, prefix, to) + query.replaceAll(/[^\x21-\x7e]/g, "");
  return textPage(302, "", method, { Location: location, "Cache-Control": "private, no-cache" });
}

/** @param path - as it was asked for: under the name of a link that page lists what the link leads to */
async function directory(asked: Asked, entry: ViewEntry, path: string): Promise<Response> {
  const { view, mount, request, method } = asked;
  const values = queryValues(request.url);
  for (const kind of ["tar", "zip"] as const) if (values.has(kind)) return archive(asked, entry, kind);
  const query = directoryQuery(request.url, mount.kind === "store" && entry.path === "/");
  const headers = {
    ...commonHeaders,
    "Content-Type": "text/html; charset=utf-8",
    "Content-Security-Policy": pageSecurityPolicy,
    "Cache-Control": "private, no-cache",
    "X-Robots-Tag": "noindex, nofollow",
  };
  if (method === "HEAD") return new Response(null, { headers });
  const links = new LinkedDirectories(view, path);
  const page = await sortedPage(view, { topName: mount.name, directory: entry, path, query, links });
  return new Response(await bodyStream(page), { headers });
}

async function archive({ view, mount, method }: Asked, entry: ViewEntry, kind: "tar" | "zip"): Promise<Response> {
  if (mount.kind === "store" && entry.path === "/") {
    throw new HoldfastError("invalid", "Cannot make an archive of all snapshots");
  }
  const name = entry.path === "/" ? mount.name : entry.name;
  const headers = {
    ...commonHeaders,
    "Content-Type": kind === "tar" ? "application/x-tar" : "application/zip",
    "Content-Disposition": contentDisposition("attachment", `${name}.${kind}`),
    "Content-Security-Policy": "sandbox; default-src 'none'",
    "Cache-Control": "private, no-store",
  };
  if (method === "HEAD") return new Response(null, { headers });
  const parts = kind === "tar" ? tarDirectory(view, entry, name) : zipDirectory(view, entry, name);
  return new Response(await bodyStream(parts), { headers });
}
