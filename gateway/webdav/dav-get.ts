import { systemClock } from "#shared/clock.ts";
import { type Asked, answerGet } from "#gateway/http/answer-get.ts";
import { fileResponse } from "#gateway/http/file-response.ts";
import { requestPath } from "#gateway/paths/request-path.ts";
import { findShown } from "./shown-entry.ts";

/**
 * GET and HEAD: as over HTTP (pages of directories for who comes with a browser), but a link to a file is that file, since clients of WebDAV
 * follow no redirects. Throws what the view throws.
 */
export async function davGet(asked: Asked): Promise<Response> {
  const { view, prefix, request, method } = asked;
  const place = requestPath(request.url, prefix);
  if (place === undefined || place.isDirectory) return answerGet(asked);
  const found = await findShown(view, place.path);
  if (found?.entry.type !== "file" || found.entry.error !== undefined) return answerGet(asked);
  return fileResponse({ view, entry: found.entry, method, headers: request.headers, nowMs: systemClock.nowMs() });
}
