import { randomBytes } from "node:crypto";
import type { ContentRange, View, ViewEntry } from "#shared/view/view.ts";
import { bodyStream } from "./body-stream.ts";
import { charsetOf } from "./charset-of.ts";
import { contentType } from "./content-type.ts";
import { parseRange } from "./parse-range.ts";
import { preconditions, rangeHolds } from "./preconditions.ts";
import { commonHeaders, fileSecurityPolicy } from "./security-headers.ts";
import { httpDate, validatorsOf } from "./validators.ts";

/** How the content of a file is asked for. */
export type ContentRequest = {
  readonly view: Pick<View, "open">;
  /** A file. */
  readonly entry: ViewEntry;
  readonly method: "GET" | "HEAD";
  readonly headers: Headers;
  readonly nowMs: number;
  /** S3 answers ranges of HEAD too, and none of an empty file can be satisfied. Otherwise neither is looked at. */
  readonly rangesAsS3?: boolean;
  /** Headers that the protocol adds; they win over those made here. */
  readonly extra?: Readonly<Record<string, string>>;
};

/**
 * The answer to GET or HEAD of a file, for every protocol: 200, 206 (one range, or multipart/byteranges), 304, 412 or 416, with an exact
 * `Content-Length`. The body of an error is empty: the protocol may give it one.
 *
 * @throws {HoldfastError} what the view throws before the first byte
 */
export async function contentResponse(request: ContentRequest): Promise<Response> {
  const { view, entry, method, headers, nowMs, rangesAsS3 = false, extra = {} } = request;
  const validators = validatorsOf(entry, nowMs);
  const type = contentType(entry.name);
  const made: Record<string, string> = {
    ...commonHeaders,
    "Accept-Ranges": "bytes",
    "Cache-Control": "private, no-cache",
    ...(validators.etag === undefined ? {} : { ETag: validators.etag }),
    ...(validators.modifiedSec === undefined ? {} : { "Last-Modified": httpDate(validators.modifiedSec) }),
  };
  const verdict = preconditions(headers, validators);
  if (verdict !== "proceed") {
    return new Response(null, { status: verdict === "failed" ? 412 : 304, headers: { ...made, ...extra } });
  }
  made["Content-Type"] = extra["Content-Type"] ?? type + (rangesAsS3 ? "" : await charsetOf(view, entry, type));
  made["Content-Security-Policy"] = fileSecurityPolicy(type);
  const ranges =
    (rangesAsS3 || (method === "GET" && entry.sizeBytes > 0)) && rangeHolds(headers, validators)
      ? parseRange(headers.get("range") ?? undefined, entry.sizeBytes)
      : undefined;
  if (ranges?.length === 0) {
    delete made["Content-Type"];
    const status = { "Content-Range": `bytes */${entry.sizeBytes}`, "Content-Length": "0" };
    return new Response(null, { status: 416, headers: { ...made, ...extra, ...status } });
  }
  const [range] = ranges ?? [];
  if (ranges !== undefined && ranges.length > 1) {
    return multipart(request, ranges, { ...made, ...extra });
  }
  const { start, end } = range ?? { start: 0, end: entry.sizeBytes };
  made["Content-Length"] = String(end - start);
  if (range !== undefined) made["Content-Range"] = contentRange(range, entry.sizeBytes);
  const body = method === "HEAD" ? null : await bodyStream(view.open(entry, { start, end }));
  return new Response(body, { status: range === undefined ? 200 : 206, headers: { ...made, ...extra } });
}

/** Several ranges in one body. @see RFC 9110, 14.6 */
async function multipart(
  { view, entry }: ContentRequest,
  ranges: readonly ContentRange[],
  headers: Record<string, string>,
): Promise<Response> {
  const boundary = randomBytes(18).toString("base64url");
  const heads = ranges.map((range, index) =>
    Buffer.from(
      `${index === 0 ? "" : "\r\n"}--${boundary}\r\nContent-Type: ${headers["Content-Type"] ?? ""}\r\nContent-Range: ${contentRange(range, entry.sizeBytes)}\r\n\r\n`,
      "latin1",
    ),
  );
  const tail = Buffer.from(`\r\n--${boundary}--\r\n`, "latin1");
  const lengthBytes =
    tail.byteLength +
    ranges.reduce((sum, range, index) => sum + range.end - range.start + (heads[index]?.byteLength ?? 0), 0);
  async function* parts(): AsyncGenerator<Uint8Array> {
    for (const [index, range] of ranges.entries()) {
      const content = view.open(entry, range)[Symbol.asyncIterator]();
      try {
        // Read before its head is sent, so that damage in the first range can still be told by a status.
        let next = await content.next();
        yield heads[index] ?? tail;
        for (; next.done !== true; next = await content.next()) yield next.value;
      } finally {
        await content.return?.();
      }
    }
    yield tail;
  }
  const body = await bodyStream(parts());
  const type = `multipart/byteranges; boundary=${boundary}`;
  return new Response(body, {
    status: 206,
    headers: { ...headers, "Content-Type": type, "Content-Length": String(lengthBytes) },
  });
}

function contentRange({ start, end }: ContentRange, sizeBytes: number): string {
  return `bytes ${start}-${end - 1}/${sizeBytes}`;
}
