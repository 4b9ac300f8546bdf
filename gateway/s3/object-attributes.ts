import type { S3Object } from "./s3-object.ts";
import type { S3Request } from "./s3-request.ts";
import { errorResponse, xmlResponse } from "./s3-response.ts";
import { httpDate } from "#gateway/content/validators.ts";
import { element, s3Document } from "./xml.ts";

/** GetObjectAttributes: of what is asked for, what there is. There are no checksums. */
export function objectAttributes({ headers, method, resource }: S3Request, object: S3Object): Response {
  const asked = (headers.get("x-amz-object-attributes") ?? "").split(",").map((name) => name.trim());
  if (asked.some((name) => !["ETag", "Checksum", "ObjectParts", "StorageClass", "ObjectSize"].includes(name))) {
    return errorResponse({ code: "InvalidArgument", message: "Invalid attribute name specified" }, resource, method);
  }
  const inside =
    (asked.includes("ETag") ? element("ETag", object.etag.slice(1, -1)) : "") +
    (asked.includes("StorageClass") ? element("StorageClass", "STANDARD") : "") +
    (asked.includes("ObjectSize") ? element("ObjectSize", object.sizeBytes) : "");
  return xmlResponse(s3Document("GetObjectAttributesResponse", inside), method, 200, {
    "Last-Modified": httpDate(object.modifiedMs / 1000),
  });
}
