import { systemClock } from "#shared/clock.ts";
import type { View, ViewEntry } from "#shared/view/view.ts";
import { bodyStream } from "#gateway/content/body-stream.ts";
import { commonHeaders } from "#gateway/content/security-headers.ts";
import { textPage } from "#gateway/http/error-page.ts";
import { requestPath } from "#gateway/paths/request-path.ts";
import { davError } from "./dav-error.ts";
import { multistatus } from "./multistatus.ts";
import { readPropfindRequest } from "./propfind-request.ts";
import { findShown, listShown } from "./shown-entry.ts";

/** What stands before the paths of the view: in what is asked for, and before that where the client sees it. Without a closing slash. */
export type PathPrefixes = { readonly prefix: string; readonly outer: string };

/**
 * PROPFIND of depth 0 and 1. Infinity, which is what no `Depth` means, is refused of directories: it would be the whole snapshot. Throws
 * what the view throws, and invalid for a body that is no propfind.
 *
 * @see RFC 4918, 9.1
 */
export async function propfind(view: View, request: Request, { prefix, outer }: PathPrefixes): Promise<Response> {
  const asked = await readPropfindRequest(request);
  const depth = (request.headers.get("depth") ?? "infinity").trim().toLowerCase();
  if (depth !== "0" && depth !== "1" && depth !== "infinity") return textPage(400, "no such depth", "PROPFIND");
  const place = requestPath(request.url, prefix);
  const found = place === undefined ? undefined : await findShown(view, place.path);
  if (place === undefined || found === undefined) return textPage(404, "", "PROPFIND");
  const { entry } = found;
  const isDirectory = entry.type === "directory";
  if (!isDirectory && place.isDirectory) return textPage(404, "", "PROPFIND");
  if (isDirectory && depth === "infinity") return davError(403, "<D:propfind-finite-depth/>");
  const entries = isDirectory && depth === "1" ? listShown(view, found) : one(entry);
  const body = await bodyStream(
    multistatus({ entries, request: asked, prefix: outer + prefix, nowMs: systemClock.nowMs() }),
  );
  return new Response(body, {
    status: 207,
    headers: {
      ...commonHeaders,
      "Content-Type": "application/xml; charset=utf-8",
      "Cache-Control": "private, no-cache",
      DAV: "1",
    },
  });
}

async function* one(entry: ViewEntry): AsyncGenerator<ViewEntry> {
  yield entry;
}
