import { commonHeaders } from "#gateway/content/security-headers.ts";

/** How XML of this gateway begins. */
export const xmlDeclaration = '<?xml version="1.0" encoding="utf-8"?>\n';

/** A refusal with the condition that failed, inside `DAV:error`. @param condition - XML whose prefix `D` is `DAV:` @see RFC 4918, 16 */
export function davError(status: number, condition: string, headers: Readonly<Record<string, string>> = {}): Response {
  const body = Buffer.from(`${xmlDeclaration}<D:error xmlns:D="DAV:">${condition}</D:error>\n`, "utf8");
  return new Response(body, {
    status,
    headers: {
      ...commonHeaders,
      "Content-Type": "application/xml; charset=utf-8",
      "Cache-Control": "no-store",
      "Content-Length": String(body.byteLength),
      ...headers,
    },
  });
}
