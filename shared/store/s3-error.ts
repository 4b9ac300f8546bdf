import { HoldfastError } from "#shared/errors.ts";
import type { ErrorDetail, ErrorKind } from "#shared/errors.ts";

/** `brief`: it is no outage, and waiting longer than some seconds does not help. */
type Meaning = { readonly kind: ErrorKind; readonly cause: string; readonly hint?: string; readonly brief?: true };

const deniedHint = "Check the credentials and what they may do with this bucket.";

/** Error codes of S3 that mean more than their HTTP status does. */
const codes: Readonly<Record<string, Meaning>> = {
  NoSuchBucket: { kind: "absent", cause: "there is no such bucket", hint: "Create the bucket, or correct its name." },
  BadDigest: { kind: "corrupt", cause: "the body does not match its checksum" },
  InvalidDigest: { kind: "corrupt", cause: "the body does not match its checksum" },
  XAmzContentSHA256Mismatch: { kind: "corrupt", cause: "the body does not match its checksum" },
  XAmzContentChecksumMismatch: { kind: "corrupt", cause: "the body does not match its checksum" },
  RequestTimeout: { kind: "unavailable", cause: "the body did not arrive in time" },
  IncompleteBody: { kind: "unavailable", cause: "the body did not arrive whole" },
  RequestTimeTooSkewed: {
    kind: "unavailable", // the SDK learns the server's time from this answer, so that the next try can succeed
    brief: true,
    cause: "this machine's clock differs from the server's",
    hint: "Set this machine's clock.",
  },
  ExpiredToken: { kind: "denied", cause: "the credentials have expired", hint: "Renew the credentials." },
  ExpiredTokenException: { kind: "denied", cause: "the credentials have expired", hint: "Renew the credentials." },
  InvalidToken: { kind: "denied", cause: "the credentials are not valid", hint: deniedHint },
  InvalidObjectState: {
    kind: "denied",
    cause: "the object lies in an archive storage class",
    hint: "Restore the object from its archive storage class first.",
  },
  PermanentRedirect: { kind: "invalid", cause: "the bucket is in another region", hint: "Give the bucket's region." },
  AuthorizationHeaderMalformed: {
    kind: "invalid",
    cause: "the bucket is in another region",
    hint: "Give the bucket's region.",
  },
  NotImplemented: {
    kind: "incompatible",
    cause: "the server lacks a feature that the request needs",
    hint: "Run `holdfast doctor` on this store to see what it lacks.",
  },
  KeyTooLongError: {
    kind: "invalid",
    cause: "the key is too long for the server",
    hint: "Shorten the prefix of the store.",
  },
};

/** Codes of a 404 that mean what it says; an answer to HEAD has no other code than its status. */
const saysAbsent = /^(NoSuchKey|NoSuchVersion|NotFound|UnknownError)$/;

/** Errors of the SDK itself and of TLS, by name or code, that have no answer of a server in them. */
const localFailures: readonly {
  readonly match: RegExp;
  readonly kind: ErrorKind;
  readonly cause: string;
  readonly hint: string;
  readonly brief?: true;
}[] = [
  {
    match: /^(CredentialsProviderError|TokenProviderError|ProviderError)$/,
    kind: "denied",
    cause: "no credentials were found",
    hint: "Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or name a profile.",
  },
  {
    match: /^(CERT_|ERR_TLS_|ERR_SSL_|DEPTH_ZERO_|SELF_SIGNED_|UNABLE_TO_(GET|VERIFY|DECODE))/,
    kind: "denied",
    cause: "the server's TLS certificate is not trusted",
    hint: "Check the endpoint, or make its certificate authority known (NODE_EXTRA_CA_CERTS).",
  },
  {
    match: /^EPROTO$/,
    kind: "unavailable",
    cause: "the server does not speak TLS as it should",
    hint: "Check the endpoint: is it http:// or https://?",
    brief: true,
  },
  {
    match: /^ERR_PROXY_/,
    kind: "unavailable",
    cause: "the proxy does not lead to the server",
    hint: "Check HTTPS_PROXY, HTTP_PROXY and NO_PROXY, and what the proxy allows.",
  },
  {
    match: /^ENOTFOUND$/,
    kind: "unavailable",
    cause: "the server's name is not known",
    hint: "Check how the endpoint and the bucket are spelled; a network that is down can look the same.",
  },
  {
    match: /^EAI_(AGAIN|NODATA)$/,
    kind: "unavailable",
    cause: "the server's name cannot be resolved",
    hint: "Check the network and its name server.",
  },
  {
    match: /^(EMFILE|ENOBUFS|EADDRNOTAVAIL)$/,
    kind: "unavailable",
    cause: "this machine has no connection left",
    hint: "Lower --concurrency, or raise the limit of open files (ulimit -n).",
    brief: true,
  },
  {
    match: /^ECONNREFUSED$/,
    kind: "unavailable",
    cause: "the server refuses connections",
    hint: "Check that the server runs, and the address and port of the endpoint.",
  },
  {
    match: /^(EHOST|ENET)/,
    kind: "unavailable",
    cause: "the network does not reach the server",
    hint: "Check the network and the endpoint.",
  },
  {
    match: /^(ECONN|EPIPE|ETIMEDOUT|EADDR|ERR_STREAM|HPE_|UND_ERR|TimeoutError|AbortError|ERR_SOCKET)/,
    kind: "unavailable",
    cause: "the server does not answer",
    hint: "Check the network and the endpoint.",
  },
];

/**
 * Turns an error of the AWS SDK into a HoldfastError; HoldfastErrors pass unchanged.
 *
 * The detail tells `code`, `httpStatus` and, where the server asked for a pause, `retryAfterMs`. What else the server wrote is
 * left out: it may quote headers of the request.
 *
 * @param action - what was tried, as in `Cannot <action>: <cause>`
 * @param server - who was asked, for failures that may be of the network or of an address
 */
export function s3Error(error: unknown, action: string, server: string): HoldfastError {
  if (error instanceof HoldfastError) return error;
  const code = codeOf(error);
  const httpStatus = statusOf(error);
  const meaning =
    codes[code] ?? (httpStatus === undefined ? localMeaning(error, code) : statusMeaning(httpStatus, code));
  const { kind, cause, hint, brief } = meaning;
  const detail: ErrorDetail = {
    code,
    ...(brief === undefined ? {} : { brief }),
    ...(httpStatus === undefined ? {} : { httpStatus }),
    ...retryAfter(error),
  };
  const who = kind === "unavailable" ? ` (${placeOf(error, server, httpStatus === undefined ? code : "")})` : "";
  return new HoldfastError(kind, `Cannot ${action}: ${cause}${who}`, {
    detail,
    cause: error,
    ...(hint === undefined ? {} : { hint }),
  });
}

/** The HTTP status of the answer that an error of the SDK stands for, or undefined when there was none. */
export function statusOf(error: unknown): number | undefined {
  const status = field(field(error, "$metadata"), "httpStatusCode") ?? field(field(error, "$response"), "statusCode");
  return typeof status === "number" && status > 0 ? status : undefined;
}

function statusMeaning(httpStatus: number, code: string): Meaning {
  const answer = `the server answered ${httpStatus} ${code}`;
  if (httpStatus === 404 && saysAbsent.test(code)) return { kind: "absent", cause: "the store has no such object" };
  // Whoever believed this to be an absence would make a store beside the one that is there, or give up what it holds.
  if (httpStatus === 404)
    return { kind: "unavailable", cause: answer, hint: "Check the endpoint and the credentials.", brief: true };
  if (httpStatus === 412 || httpStatus === 409) return { kind: "conflict", cause: "it is already there" };
  if (httpStatus === 401 || httpStatus === 403) return { kind: "denied", cause: answer, hint: deniedHint };
  if (httpStatus === 416) return { kind: "corrupt", cause: "the range does not lie inside the object" };
  if (httpStatus === 501 || httpStatus === 405) return { kind: "incompatible", cause: answer };
  if (httpStatus === 429 || httpStatus === 408 || httpStatus >= 500) return { kind: "unavailable", cause: answer };
  // A 2xx that the SDK could not read is a proxy's page or a cut answer.
  if (httpStatus < 300)
    return { kind: "unavailable", cause: `the server's answer cannot be read (${httpStatus})`, brief: true };
  if (httpStatus < 400) return { kind: "invalid", cause: answer, hint: "Check the endpoint and the bucket's region." };
  return { kind: "invalid", cause: answer };
}

function localMeaning(error: unknown, code: string): Meaning {
  for (const failure of localFailures) if (failure.match.test(code)) return failure;
  const message = error instanceof Error ? error.message : String(error);
  if (/region is missing/i.test(message)) {
    return {
      kind: "invalid",
      cause: "no region is known",
      hint: "Give the bucket's region, as in s3://bucket?region=eu-west-1.",
    };
  }
  if (/socket hang up|aborted|premature close/i.test(message)) {
    return { kind: "unavailable", cause: "the server closed the connection" };
  }
  return { kind: "internal", cause: message };
}

/** Who was asked and what the system said of it, such as `http://127.0.0.1:9000, ECONNREFUSED`. */
function placeOf(error: unknown, server: string, code: string): string {
  const hostname = field(error, "hostname");
  const asked = typeof hostname === "string" && !server.includes(hostname) ? hostname : server;
  if (code === "" || code === "UnknownError") return asked;
  const [address, port] = [field(error, "address"), field(error, "port")];
  const peer = typeof address === "string" && typeof port === "number" ? `${address}:${port}` : "";
  // Behind a proxy it is another one than the server.
  return peer === "" || server.includes(peer) ? `${asked}, ${code}` : `${asked}, ${code} ${peer}`;
}

/** The error code of S3 in an error of the SDK, or the errno, or the name of the error. */
export function codeOf(error: unknown): string {
  const status = statusOf(error);
  const errno = field(error, "code");
  if (status === undefined && typeof errno === "string") return errno;
  const name = field(error, "name");
  return typeof name === "string" && name !== "" ? name : "UnknownError";
}

/** Retry-After in milliseconds: seconds, or a date, which is compared with the server's own Date. */
function retryAfter(error: unknown): { retryAfterMs?: number } {
  const headers = field(field(error, "$response"), "headers");
  const value = field(headers, "retry-after");
  if (typeof value !== "string") return {};
  if (/^[0-9]{1,6}$/.test(value)) return { retryAfterMs: Number(value) * 1000 };
  const date = field(headers, "date");
  const waitMs = Date.parse(value) - Date.parse(typeof date === "string" ? date : "");
  return waitMs >= 0 ? { retryAfterMs: waitMs } : {};
}

function field(value: unknown, name: string): unknown {
  return typeof value === "object" && value !== null && name in value ? Reflect.get(value, name) : undefined;
}
