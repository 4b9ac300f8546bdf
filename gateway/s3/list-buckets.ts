import type { ViewEntry } from "#shared/view/view.ts";
import { findEntry } from "#gateway/paths/find-entry.ts";
import { s3Owner } from "./s3-owner.ts";
import type { S3Request } from "./s3-request.ts";
import { errorResponse, xmlResponse } from "./s3-response.ts";
import { element, s3Document } from "./xml.ts";

const bucketsMax = 10_000;
/** Milliseconds since 1970 of the last day that four digits can write a year of. */
const lastMs = Date.UTC(9999, 11, 31, 23, 59, 59);

/** ListBuckets: the snapshots of a store by name, which is by time; or the one that is mounted. */
export async function listBuckets({ mount, view, query, method, resource }: S3Request): Promise<Response> {
  const prefix = query.get("prefix") ?? "";
  const token = query.get("continuation-token");
  const written = query.get("max-buckets");
  const limit = written === undefined ? bucketsMax : /^\d{1,5}$/.test(written) ? Number(written) : 0;
  if (limit < 1 || limit > bucketsMax) return errorResponse({ code: "InvalidArgument" }, resource, method);
  const found: { name: string; entry: ViewEntry }[] = [];
  if (mount.kind === "store") {
    for await (const entry of view.list("/", { after: token, withAliases: true })) {
      if (!entry.name.startsWith(prefix)) continue;
      found.push({ name: entry.name, entry });
      if (found.length > limit) break;
    }
  } else {
    const entry = await findEntry(view, "/");
    if (entry !== undefined && mount.name.startsWith(prefix) && (token === undefined || mount.name > token))
      found.push({ name: mount.name, entry });
  }
  const shown = found.slice(0, limit);
  const buckets = shown.map(({ name, entry }) => {
    const time = new Date(Math.min(lastMs, entry.snapshot?.timeMs ?? 0)).toISOString();
    return `<Bucket>${element("Name", name)}${element("CreationDate", time)}</Bucket>`;
  });
  const next = found.length > limit ? shown.at(-1)?.name : undefined;
  const inside = `${s3Owner}<Buckets>${buckets.join("")}</Buckets>${element("ContinuationToken", next)}${element("Prefix", query.get("prefix"))}`;
  return xmlResponse(s3Document("ListAllMyBucketsResult", inside), method);
}
