import { randomBytes } from "node:crypto";
import { commonHeaders } from "#gateway/content/security-headers.ts";
import { type S3Refusal, s3Errors } from "./s3-errors.ts";
import { bareDocument, element } from "./xml.ts";

/** Headers that every answer of S3 has beside those of the gateway. */
export function s3Headers(): Record<string, string> {
  return { ...commonHeaders, "x-amz-request-id": randomBytes(8).toString("hex").toUpperCase() };
}

/** An answer of XML. */
export function xmlResponse(
  xml: string,
  method: string,
  status = 200,
  extra: Readonly<Record<string, string>> = {},
): Response {
  const body = Buffer.from(xml, "utf8");
  return new Response(method === "HEAD" ? null : body, {
    status,
    headers: {
      ...s3Headers(),
      "Content-Type": "application/xml",
      "Content-Length": String(body.byteLength),
      "Cache-Control": "no-store",
      ...extra,
    },
  });
}

/** A refusal as S3 writes it. @param resource - the path of the request as it was written */
export function errorResponse(
  refusal: S3Refusal,
  resource: string,
  method: string,
  extra: Readonly<Record<string, string>> = {},
): Response {
  const [status, message] = s3Errors[refusal.code];
  const inside =
    element("Code", refusal.code) + element("Message", refusal.message ?? message) + element("Resource", resource);
  return xmlResponse(bareDocument("Error", inside), method, status, extra);
}
