import { contentResponse } from "#gateway/content/content-response.ts";
import { httpDate } from "#gateway/content/validators.ts";
import type { S3Object } from "./s3-object.ts";
import type { S3Request } from "./s3-request.ts";
import { errorResponse, s3Headers } from "./s3-response.ts";

/** Headers that the query may replace. */
const replaceable = [
  "cache-control",
  "content-disposition",
  "content-encoding",
  "content-language",
  "content-type",
  "expires",
];

/** GetObject and HeadObject. Throws what the view throws. */
export async function getObject(
  { query, headers, method, nowMs, resource }: S3Request,
  object: S3Object,
): Promise<Response> {
  const { entry, source, etag, sizeBytes } = object;
  const extra: Record<string, string> = { ...s3Headers(), "Last-Modified": httpDate(object.modifiedMs / 1000) };
  for (const [name, value] of Object.entries(object.metadata)) extra[`x-amz-meta-${name}`] = value;
  const refuse = (code: "InvalidArgument" | "InvalidPartNumber" | "InvalidObjectState"): Response =>
    errorResponse({ code }, resource, method);
  for (const name of replaceable) {
    const value = query.get(`response-${name}`);
    if (value === undefined) continue;
    if (!/^[\x20-\x7e]{1,1024}$/.test(value)) return refuse("InvalidArgument");
    extra[name.replaceAll(/(?:^|-)[a-z]/g, (letter) => letter.toUpperCase())] = value;
  }
  if (entry.error !== undefined && method === "GET") return refuse("InvalidObjectState");
  const asked = asHttp(headers);
  const part = query.get("partNumber");
  if (part !== undefined && part !== "1") return refuse("InvalidPartNumber");
  if (part !== undefined && sizeBytes > 0 && !asked.has("range")) asked.set("range", `bytes=0-${sizeBytes - 1}`);
  const response = await contentResponse({
    view: source,
    entry,
    method,
    headers: asked,
    nowMs,
    extra,
    rangesAsS3: true,
  });
  if (response.status === 412) return errorResponse({ code: "PreconditionFailed" }, resource, method, { ETag: etag });
  if (response.status === 416) {
    return errorResponse({ code: "InvalidRange" }, resource, method, { "Content-Range": `bytes */${sizeBytes}` });
  }
  return response;
}

/** The conditions of a request as HTTP writes them: S3 takes tags without quotes too, and answers several ranges with the whole. */
function asHttp(headers: Headers): Headers {
  const asked = new Headers();
  for (const name of ["if-match", "if-none-match", "if-modified-since", "if-unmodified-since", "if-range", "range"]) {
    const value = headers.get(name);
    if (value === null || (name === "range" && value.includes(","))) continue;
    asked.set(name, /^[0-9a-f]{32}(?:-1)?$/.test(value.trim()) ? `"${value.trim()}"` : value);
  }
  return asked;
}
