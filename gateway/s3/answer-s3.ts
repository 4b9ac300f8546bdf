import { isLatestAlias } from "#shared/view/latest-aliases.ts";
import { findEntry } from "#gateway/paths/find-entry.ts";
import { requestPath } from "#gateway/paths/request-path.ts";
import { getObject } from "./get-object.ts";
import { listBuckets } from "./list-buckets.ts";
import { listObjects } from "./list-objects.ts";
import { objectAttributes } from "./object-attributes.ts";
import { findKey } from "./find-key.ts";
import type { S3ErrorCode } from "./s3-errors.ts";
import { s3Object } from "./s3-object.ts";
import type { Bucket, S3Request } from "./s3-request.ts";
import { errorResponse, xmlResponse } from "./s3-response.ts";
import { bucketSettings, objectSettings, type Setting } from "./settings.ts";

/** What GET and HEAD of a path come to. Throws what the view throws. @param path - below the prefix, as it was written */
export async function answerS3(request: S3Request, path: string): Promise<Response> {
  const { method, query, resource, view } = request;
  const refuse = (code: S3ErrorCode): Response => errorResponse({ code }, resource, method);
  const [, name = "", rest = ""] = /^\/?([^/]*)\/?(.*)$/s.exec(path) ?? [];
  if (name === "") return rest === "" ? listBuckets(request) : refuse("NoSuchBucket");
  const bucket = await findBucket(request, name);
  if (bucket === undefined) return refuse("NoSuchBucket");
  if (rest === "") return answerBucket(request, bucket);
  const version = query.get("versionId");
  if (version !== undefined && version !== "null") return refuse("NoSuchVersion");
  // A key may come with its slashes escaped.
  const place = requestPath(`/${rest.replaceAll(/%2f/gi, "/")}`, "", "kept");
  const entry = place === undefined ? undefined : await findKey(view, bucket.root, place.path);
  if (entry === undefined || (entry.type === "directory") !== place?.isDirectory) return refuse("NoSuchKey");
  if (entry.type !== "directory" && entry.type !== "file" && entry.type !== "symlink") return refuse("NoSuchKey");
  const setting = method === "GET" ? askedSetting(query, objectSettings) : undefined;
  if (setting !== undefined) return "xml" in setting ? xmlResponse(setting.xml, method) : refuse(setting.code);
  const object = s3Object(view, entry);
  return method === "GET" && query.has("attributes") ? objectAttributes(request, object) : getObject(request, object);
}

async function answerBucket(request: S3Request, bucket: Bucket): Promise<Response> {
  const { method, query, resource } = request;
  if (method === "HEAD") return xmlResponse("", method, 200, { "x-amz-bucket-region": "us-east-1" });
  const setting = askedSetting(query, bucketSettings);
  if (setting !== undefined) {
    return "xml" in setting
      ? xmlResponse(setting.xml, method)
      : errorResponse({ code: setting.code }, resource, method);
  }
  return listObjects(
    request,
    bucket,
    query.has("versions") ? "versions" : query.get("list-type") === "2" ? "v2" : "v1",
  );
}

function askedSetting(
  query: ReadonlyMap<string, string>,
  settings: Readonly<Record<string, Setting>>,
): Setting | undefined {
  for (const name of query.keys()) if (Object.hasOwn(settings, name)) return settings[name];
  return undefined;
}

/** Names of buckets need no escapes: what has one is none. */
async function findBucket({ mount, view, latest }: S3Request, name: string): Promise<Bucket | undefined> {
  if (!/^[a-z0-9.-]{1,64}$/.test(name) || /^\.{1,2}$/.test(name)) return undefined;
  if (mount.kind === "snapshot" && name !== mount.name) return undefined;
  const root = mount.kind === "snapshot" ? "/" : `/${name}`;
  const begun = mount.kind === "store" && isLatestAlias(name) ? (latest.begun(name) ?? "") : undefined;
  const entry = await findEntry(view, root);
  return entry === undefined ? undefined : { name, root, snapshot: entry.snapshot?.id ?? name, begun };
}
