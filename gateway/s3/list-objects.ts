import { encodePath } from "#gateway/paths/encode-path.ts";
import { findEntry } from "#gateway/paths/find-entry.ts";
import { keyMeant } from "./find-key.ts";
import { listPage } from "./list-page.ts";
import { decodePosition, encodeMarker, encodePosition, tokenInMarker } from "./list-position.ts";
import { keyInXml } from "./object-key.ts";
import { s3Object } from "./s3-object.ts";
import { s3Owner } from "./s3-owner.ts";
import type { Bucket, S3Request } from "./s3-request.ts";
import { errorResponse, xmlResponse } from "./s3-response.ts";
import type { WalkPosition } from "./walk-keys.ts";
import { element, s3Document, utf8 } from "./xml.ts";

const keysMax = 1000;
const staleToken =
  "The continuation token provided is incorrect, or the snapshot in which the listing began is gone: list again from the start, or by the name of a snapshot.";

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
  const meant = async (written: string): Promise<string> =>
    encoding === "url" ? written : keyMeant(view, bucket.root, written);
  const prefix = await meant(query.get("prefix") ?? "");
  const delimiter = query.get("delimiter") ?? "";
  const start = await startOf(request, bucket, kind);
  if (start === undefined) return bad(staleToken);
  const { root, snapshot } = start;
  const after = start.after === undefined ? undefined : { ...start.after, key: await meant(start.after.key) };
  const { objects, prefixes, next } = await listPage({ view, root, prefix, delimiter, after, limit });
  const nextPlace = next === undefined ? undefined : { snapshot, position: next };
  // A marker is a key, which says nothing of the snapshot: under a name that means another one soon it is a token.
  const nextMarker = nextPlace !== undefined && bucket.begun !== undefined ? encodeMarker(nextPlace) : undefined;

  const text = (binary: string): string => (encoding === "url" ? encodePath(binary) : utf8(keyInXml(binary)));
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
  if (kind === "v1")
    inside +=
      element("Marker", text(query.get("marker") ?? "")) +
      (nextMarker === undefined ? optional("NextMarker", next?.key) : element("NextMarker", nextMarker));
  else if (kind === "v2") {
    inside +=
      element("KeyCount", objects.length + prefixes.length) +
      optional("StartAfter", query.get("start-after")) +
      element("ContinuationToken", query.get("continuation-token")) +
      element("NextContinuationToken", nextPlace === undefined ? undefined : encodePosition(nextPlace));
  } else {
    inside +=
      element("KeyMarker", text(query.get("key-marker") ?? "")) +
      element("VersionIdMarker", query.get("version-id-marker") ?? "") +
      optional("NextKeyMarker", next?.key) +
      element("NextVersionIdMarker", nextMarker ?? (next === undefined ? undefined : "null"));
  }
  for (const { key, entry } of objects) {
    const { etag, sizeBytes, modifiedMs } = s3Object(view, entry);
    inside += `<${item}>${element("Key", text(key))}${version}<LastModified>${new Date(modifiedMs).toISOString()}</LastModified>${element("ETag", etag)}<Size>${sizeBytes}</Size>${owner}<StorageClass>STANDARD</StorageClass></${item}>`;
  }
  for (const each of prefixes) inside += `<CommonPrefixes>${element("Prefix", text(each))}</CommonPrefixes>`;
  return xmlResponse(s3Document(kind === "versions" ? "ListVersionsResult" : "ListBucketResult", inside), method);
}

type ListStart = {
  /** The directory that is listed. */
  readonly root: string;
  readonly snapshot: string;
  /** Undefined: it begins with the first key. */
  readonly after: WalkPosition | undefined;
};

/**
 * Where a listing begins, or goes on: in the snapshot in which it began, and in no other. Undefined: what it would go on from is unknown, or
 * that snapshot is gone.
 */
async function startOf(
  { query, view, latest }: S3Request,
  bucket: Bucket,
  kind: ListKind,
): Promise<ListStart | undefined> {
  const { name, root, snapshot, begun } = bucket;
  const token = tokenOf(query, kind);
  if (token !== undefined) {
    const place = decodePosition(token);
    if (place === undefined) return undefined;
    const { position: after } = place;
    if (place.snapshot === snapshot) return { root, snapshot, after };
    if (begun === undefined || !/^[0-9a-f]{64}$/.test(place.snapshot)) return undefined;
    const top = await findEntry(view, `/${place.snapshot}`);
    if (top?.snapshot?.id !== place.snapshot) return undefined;
    latest.keep(name, place.snapshot);
    return { root: top.path, snapshot: place.snapshot, after };
  }
  const key = query.get(markers[kind]);
  if (key === undefined || key === "") return { root, snapshot, after: undefined };
  // Only version 2 has a way to say where a new listing begins.
  if (begun !== undefined && kind !== "v2" && begun !== snapshot) return undefined;
  // A marker is what the page before ended with, and that may be a common prefix.
  return { root, snapshot, after: { key, skipsPrefix: kind !== "v2", isClean: false } };
}

const markers = { v1: "marker", v2: "start-after", versions: "key-marker" } as const;

function tokenOf(query: ReadonlyMap<string, string>, kind: ListKind): string | undefined {
  if (kind === "v2") return query.get("continuation-token");
  return tokenInMarker(query.get(kind === "v1" ? "marker" : "version-id-marker") ?? "");
}
