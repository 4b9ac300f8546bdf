import { timingSafeEqual } from "node:crypto";
import type { AccessRules } from "#gateway/access/access-rules.ts";
import type { Principal } from "#gateway/access/principal.ts";
import type { S3Refusal } from "./s3-errors.ts";
import { type SignedRequest, signatureOf } from "./signature.ts";

/** How far the clocks of the two ends may be apart, and how long a presigned URL may hold. */
const skewMaxMs = 15 * 60_000;
const expiresMaxSec = 7 * 24 * 3600;
const headersMax = 64;
const emptySha256 = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

const otherSignature = "The authorization mechanism you have provided is not supported. Please use AWS4-HMAC-SHA256.";

/** What is looked at. */
export type AuthenticateOptions = {
  readonly access: AccessRules;
  readonly method: string;
  /** As `canonicalPath` writes it. */
  readonly path: string;
  readonly query: readonly (readonly [name: string, value: string])[];
  readonly headers: Headers;
  /** Where there is no `Host` header. */
  readonly host: string;
  readonly nowMs: number;
};

/** Who a request is of; or why not. */
export type Authenticated = { readonly principal: Principal } | { readonly refusal: S3Refusal };

/**
 * Who signed a request, by version 4 of the signature in its headers or its query (a presigned URL). Where access is open, everybody is let in
 * and nothing is looked at: there are no keys to check with.
 */
export async function authenticate(options: AuthenticateOptions): Promise<Authenticated> {
  const { access, headers, query } = options;
  if (access.isOpen) {
    const found = await access.authorize(undefined, "");
    return "principal" in found ? found : refuse("AccessDenied");
  }
  const authorization = headers.get("authorization");
  const isPresigned = query.some(([name]) => name === "X-Amz-Algorithm" || name === "X-Amz-Signature");
  if (authorization !== null && isPresigned) return refuse("InvalidArgument", "Only one auth mechanism allowed");
  if (query.some(([name]) => name === "AWSAccessKeyId")) return refuse("InvalidRequest", otherSignature);
  if (authorization === null) return isPresigned ? byQuery(options) : refuse("AccessDenied");
  return byHeader(options, authorization);
}

function byHeader(options: AuthenticateOptions, authorization: string): Authenticated {
  const { headers, method, nowMs } = options;
  if (!authorization.startsWith("AWS4-HMAC-SHA256")) {
    return refuse("InvalidRequest", otherSignature);
  }
  if (authorization.length > 4096) return refuse("AuthorizationHeaderMalformed");
  const fields = new Map<string, string>();
  for (const field of authorization.slice(16).split(",")) {
    const [, name = "", value = ""] = /^\s*(Credential|SignedHeaders|Signature)=(\S+)\s*$/.exec(field) ?? [];
    fields.set(name, value);
  }
  const credential = readCredential(fields.get("Credential"));
  if (credential === undefined || fields.has("") || fields.size !== 3) return refuse("AuthorizationHeaderMalformed");
  const time = headers.get("x-amz-date") ?? basicTime(headers.get("date"));
  const timeMs = readTime(time);
  if (time === undefined || timeMs === undefined)
    return refuse("AccessDenied", "AWS authentication requires a valid Date or x-amz-date header");
  if (Math.abs(nowMs - timeMs) > skewMaxMs) return refuse("RequestTimeTooSkewed");
  if (!time.startsWith(credential.scope.day))
    return refuse("AuthorizationHeaderMalformed", "The day of the credential is not that of the request.");
  const payloadHash = headers.get("x-amz-content-sha256") ?? emptySha256;
  const found = check(options, {
    ...credential,
    time,
    payloadHash,
    signedHeaders: fields.get("SignedHeaders") ?? "",
    signature: fields.get("Signature") ?? "",
    query: options.query,
  });
  // A body is read of nothing that is answered: what is signed of it is that there is none.
  const reads = method === "GET" || method === "HEAD";
  if ("principal" in found && reads && payloadHash !== emptySha256 && payloadHash !== "UNSIGNED-PAYLOAD") {
    return refuse("XAmzContentSHA256Mismatch");
  }
  return found;
}

function byQuery(options: AuthenticateOptions): Authenticated {
  const { query, nowMs } = options;
  const fields = new Map(query);
  const bad = (message: string): Authenticated => refuse("AuthorizationQueryParametersError", message);
  const signing = query.filter(([name]) =>
    /^X-Amz-(?:Algorithm|Credential|Date|Expires|SignedHeaders|Signature)$/.test(name),
  );
  if (signing.length !== 6 || new Set(signing.map(([name]) => name)).size !== 6) {
    return bad(
      "Query-string authentication version 4 requires the X-Amz-Algorithm, X-Amz-Credential, X-Amz-Signature, X-Amz-Date, X-Amz-SignedHeaders, and X-Amz-Expires parameters, each once.",
    );
  }
  if (fields.get("X-Amz-Algorithm") !== "AWS4-HMAC-SHA256")
    return bad("X-Amz-Algorithm only supports AWS4-HMAC-SHA256");
  const credential = readCredential(fields.get("X-Amz-Credential"));
  if (credential === undefined) return bad("X-Amz-Credential is not valid.");
  const time = fields.get("X-Amz-Date");
  const timeMs = readTime(time);
  if (time === undefined || timeMs === undefined || !time.startsWith(credential.scope.day))
    return bad("X-Amz-Date is not valid.");
  const written = fields.get("X-Amz-Expires") ?? "";
  const expiresSec = /^\d{1,7}$/.test(written) ? Number(written) : 0;
  if (expiresSec < 1 || expiresSec > expiresMaxSec) return bad("X-Amz-Expires must be 1 to 604800 seconds.");
  if (timeMs - nowMs > skewMaxMs) return refuse("AccessDenied", "Request is not valid yet");
  if (nowMs > timeMs + expiresSec * 1000) return refuse("AccessDenied", "Request has expired");
  return check(options, {
    ...credential,
    time,
    payloadHash:
      fields.get("X-Amz-Content-Sha256") ?? options.headers.get("x-amz-content-sha256") ?? "UNSIGNED-PAYLOAD",
    signedHeaders: fields.get("X-Amz-SignedHeaders") ?? "",
    signature: fields.get("X-Amz-Signature") ?? "",
    query: query.filter(([name]) => name !== "X-Amz-Signature"),
  });
}

type Claim = Credential &
  Pick<SignedRequest, "time" | "payloadHash" | "query"> & {
    readonly signedHeaders: string;
    readonly signature: string;
  };

function check({ access, method, path, headers, host }: AuthenticateOptions, claim: Claim): Authenticated {
  const { accessKeyId, scope, time, payloadHash, query, signature } = claim;
  const names = claim.signedHeaders.split(";");
  const sorted = names.every((name, index) => /^[\w!#$%&'*+.^`|~-]+$/.test(name) && name > (names[index - 1] ?? ""));
  if (!sorted || names.length > headersMax || !names.includes("host")) return refuse("AuthorizationHeaderMalformed");
  for (const [name] of headers) {
    if (name.startsWith("x-amz-") && !names.includes(name)) {
      return refuse("AccessDenied", "There were headers present in the request which were not signed");
    }
  }
  const signed = names.map((name) => [name, headers.get(name) ?? (name === "host" ? host : "")] as const);
  const pair = access.keyPair(accessKeyId);
  if (pair === undefined) return refuse("InvalidAccessKeyId");
  const wanted = signatureOf({ method, path, query, headers: signed, payloadHash, time, scope }, pair.secretAccessKey);
  if (
    !/^[0-9a-f]{64}$/.test(signature) ||
    !timingSafeEqual(Buffer.from(wanted, "hex"), Buffer.from(signature, "hex"))
  ) {
    return refuse("SignatureDoesNotMatch");
  }
  return { principal: pair.principal };
}

type Credential = { readonly accessKeyId: string; readonly scope: SignedRequest["scope"] };

/** There is no region here, so that any will do. */
function readCredential(text: string | undefined): Credential | undefined {
  const [, accessKeyId, day, region] =
    /^([\w-]{3,128})\/(\d{8})\/([\w-]{1,64})\/s3\/aws4_request$/.exec(text ?? "") ?? [];
  if (accessKeyId === undefined || day === undefined || region === undefined) return undefined;
  return { accessKeyId, scope: { day, region, service: "s3" } };
}

function readTime(time: string | undefined): number | undefined {
  const [, year, month, day, hour, minute, second] = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/.exec(time ?? "") ?? [];
  const ms = Date.parse(`${year}-${month}-${day}T${hour}:${minute}:${second}Z`);
  return Number.isNaN(ms) ? undefined : ms;
}

/** A `Date` header as a signature has it. */
function basicTime(date: string | null): string | undefined {
  const ms = Date.parse(date ?? "");
  return Number.isNaN(ms) ? undefined : new Date(ms).toISOString().replaceAll(/[-:]|\.\d+/g, "");
}

function refuse(code: S3Refusal["code"], message?: string): Authenticated {
  return { refusal: message === undefined ? { code } : { code, message } };
}
