import { escapeHtml } from "#gateway/paths/show-name.ts";
import { davError } from "./dav-error.ts";

/** Methods that would change something. LOCK among them: who takes one wants to write. */
const writing = new Set([
  "PUT",
  "DELETE",
  "MKCOL",
  "MOVE",
  "COPY",
  "LOCK",
  "UNLOCK",
  "PROPPATCH",
  "PATCH",
  "POST",
  "ACL",
]);

/**
 * The refusal of a method that would change something: 403, and what it would have needed. Undefined: the method is none of those. Neither
 * body nor `Destination` are looked at.
 *
 * @param writtenPath - the path of the request, escapes and all
 * @see RFC 3744, 7.1.1; RFC 4918, 9.2.1
 */
export function refuseWrite(method: string, writtenPath: string): Response | undefined {
  if (!writing.has(method)) return undefined;
  if (method === "PROPPATCH") return davError(403, "<D:cannot-modify-protected-property/>");
  const href = escapeHtml(writtenPath);
  return davError(
    403,
    `<D:need-privileges><D:resource><D:href>${href}</D:href><D:privilege><D:write/></D:privilege></D:resource></D:need-privileges>`,
  );
}
