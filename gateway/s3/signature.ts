import { createHash, createHmac } from "node:crypto";
import { encodePathPart } from "#gateway/paths/encode-path.ts";

/** What is signed. All texts are binary strings. */
export type SignedRequest = {
  readonly method: string;
  /** With its escapes, as `canonicalPath` writes it. */
  readonly path: string;
  /** Without the signature itself. */
  readonly query: readonly (readonly [name: string, value: string])[];
  /** Of the signed headers, by their names in lower case, sorted. */
  readonly headers: readonly (readonly [name: string, value: string])[];
  /** As `x-amz-content-sha256` says it. */
  readonly payloadHash: string;
  /** Like `20261120T083000Z`. */
  readonly time: string;
  readonly scope: SignatureScope;
};

/** What a key that signs is made for. */
export type SignatureScope = { readonly day: string; readonly region: string; readonly service: string };

/** The signature of a request, in hexadecimal. @see AWS Signature Version 4, "Create a signed AWS API request" */
export function signatureOf(request: SignedRequest, secretAccessKey: string): string {
  const { method, path, query, headers, payloadHash, time, scope } = request;
  const parameters = query.map(([name, value]) => [encodePathPart(name), encodePathPart(value)] as const);
  parameters.sort(([leftName, left], [rightName, right]) => order(leftName, rightName) || order(left, right));
  const canonical = [
    method,
    path,
    parameters.map(([name, value]) => `${name}=${value}`).join("&"),
    ...headers.map(([name, value]) => `${name}:${value.trim().replaceAll(/ +/g, " ")}`),
    "",
    headers.map(([name]) => name).join(";"),
    payloadHash,
  ].join("\n");
  const { day, region, service } = scope;
  const hash = createHash("sha256").update(canonical, "latin1").digest("hex");
  const text = ["AWS4-HMAC-SHA256", time, `${day}/${region}/${service}/aws4_request`, hash].join("\n");
  let key: Buffer = Buffer.from(`AWS4${secretAccessKey}`, "utf8");
  for (const part of [day, region, service, "aws4_request"])
    key = createHmac("sha256", key).update(part, "utf8").digest();
  return createHmac("sha256", key).update(text, "latin1").digest("hex");
}

function order(left: string, right: string): number {
  return left < right ? -1 : left > right ? 1 : 0;
}
