import { encodePath } from "#gateway/paths/encode-path.ts";
import { listPage } from "./list-page.ts";
import { decodePosition, encodePosition } from "./list-position.ts";
import { s3Object } from "./s3-object.ts";
import { s3Owner } from "./s3-owner.ts";
import type { Bucket, S3Request } from "./s3-request.ts";
import { errorResponse, xmlResponse } from "./s3-response.ts";
import type { WalkPosition } from "./walk-keys.ts";
import { element, s3Document, utf8 } from "./xml.ts";

const keysMax = 1000;

/** The three listings: ListObjects, ListObjectsV2, ListObjectVersions. */
export type ListKind = "v1" | "v2" | "versions";

/**
 * A page of a bucket's objects. A bucket is a snapshot and never changes, so that each object has one version, `null`, as in buckets that
 * were never versioned.
 */
export async function listObjects(request: S3Request, bucket: Bucket, kind: ListKind): Promise<Response> {
  const { query, view, method, resource } = request;
  const bad = (message: string): Response => errorResponse({ code: "InvalidArgument", message }, resource, method);
  const encoding = query.get("encoding-type");
  if (encoding !== undefined && encoding !== "url") return bad("Invalid Encoding Method specified in Request");
  const writtenMax = query.get("max-keys") ?? String(keysMax);
  if (!/^\d{1,9}$/.test(writtenMax)) return bad("Provided max-keys not an integer or within integer range");
  const limit = Math.min(keysMax, Number(writtenMax));
  const prefix = query.get("prefix") ?? "";
  const delimiter = query.get("delimiter") ?? "";
  const after = startOf(query, kind);
  if (after === "bad") return bad("The continuation token provided is incorrect");
  const { objects, prefixes, next } = await listPage({ view, root: bucket.root, prefix, delimiter, after, limit });

  const text = (binary: string): string => (encoding === "url" ? encodePath(binary) : utf8(binary));
  const optional = (name: string, value: string | undefined): string =>
    value === undefined || value === "" ? "" : element(name, text(value));
  const owner = kind !== "v2" || query.get("fetch-owner") === "true" ? s3Owner : "";
  const item = kind === "versions" ? "Version" : "Contents";
  const version = kind === "versions" ? "<VersionId>null</VersionId><IsLatest>true</IsLatest>" : "";
  let inside =
    element("Name", bucket.name) +
    element("Prefix", text(prefix)) +
    optional("Delimiter", delimiter) +
    element("MaxKeys", limit) +
    element("EncodingType", encoding) +
    element("IsTruncated", next !== undefined);
  if (kind === "v1") inside += element("Marker", text(query.get("marker") ?? "")) + optional("NextMarker", next?.key);
  else if (kind === "v2") {
    inside +=
      element("KeyCount", objects.length + prefixes.length) +
      optional("StartAfter", query.get("start-after")) +
      element("ContinuationToken", query.get("continuation-token")) +
      element("NextContinuationToken", next === undefined ? undefined : encodePosition(next));
  } else {
    inside +=
      element("KeyMarker", text(query.get("key-marker") ?? "")) +
      element("VersionIdMarker", query.get("version-id-marker") ?? "") +
      optional("NextKeyMarker", next?.key) +
      (next === undefined ? "" : "<NextVersionIdMarker>null</NextVersionIdMarker>");
  }
  for (const { key, entry } of objects) {
    const { etag, sizeBytes, modifiedMs } = s3Object(view, entry);
    inside += `<${item}>${element("Key", text(key))}${version}<LastModified>${new Date(modifiedMs).toISOString()}</LastModified>${element("ETag", etag)}<Size>${sizeBytes}</Size>${owner}<StorageClass>STANDARD</StorageClass></${item}>`;
  }
  for (const each of prefixes) inside += `<CommonPrefixes>${element("Prefix", text(each))}</CommonPrefixes>`;
  const root = kind === "versions" ? "ListVersionsResult" : "ListBucketResult";
  return xmlResponse(s3Document(root, inside), method);
}

/** After which key a listing begins; undefined: with the first. */
function startOf(query: ReadonlyMap<string, string>, kind: ListKind): WalkPosition | undefined | "bad" {
  const token = kind === "v2" ? query.get("continuation-token") : undefined;
  if (token !== undefined) return decodePosition(token) ?? "bad";
  const names = { v1: "marker", v2: "start-after", versions: "key-marker" } as const;
  const key = query.get(names[kind]);
  if (key === undefined || key === "") return undefined;
  // A marker is what the page before ended with, and that may be a common prefix.
  return { key, skipsPrefix: kind !== "v2", isClean: false };
}
