import { commonHeaders } from "#gateway/content/security-headers.ts";

/** What may be asked here. */
export const allowedMethods = "OPTIONS, GET, HEAD, PROPFIND";

/** OPTIONS, of whatever path: class 1, and what makes Windows take it for WebDAV. @see RFC 4918, 10.1 */
export function davOptions(): Response {
  return new Response(null, {
    status: 200,
    headers: { ...commonHeaders, Allow: allowedMethods, DAV: "1", "MS-Author-Via": "DAV", "Content-Length": "0" },
  });
}
