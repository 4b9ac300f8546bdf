import { errorKinds, type HoldfastError } from "#shared/errors.ts";
import { commonHeaders, pageSecurityPolicy } from "#gateway/content/security-headers.ts";

/** An error as plain text. Of faults of the gateway or the store it says what kind they are and no more. */
export function errorPage(error: HoldfastError, method: string): Response {
  const { httpStatus, meaning } = errorKinds[error.kind];
  const tells = error.kind === "absent" || error.kind === "invalid" || error.kind === "denied";
  return textPage(httpStatus, tells ? "" : meaning, method, error.kind === "unavailable" ? { "Retry-After": "5" } : {});
}

const reasons: Readonly<Record<number, string>> = {
  301: "It is at another address",
  302: "It is at another address",
  303: "It is at another address",
  307: "It is at another address",
  308: "It is at another address",
  400: "Bad request",
  401: "Say who you are",
  403: "Not for you",
  404: "Nothing is here",
  405: "This is read-only",
  412: "It is another one now",
  416: "No such range",
  421: "Not the name of this gateway",
  429: "Too many requests",
  503: "Busy",
};

/** A short answer of plain text. */
export function textPage(
  status: number,
  text: string,
  method: string,
  headers: Readonly<Record<string, string>> = {},
): Response {
  const reason = reasons[status] ?? "It does not work";
  const body = Buffer.from(`${status} ${reason}${text === "" ? "" : `: ${text}`}\n`, "utf8");
  return new Response(method === "HEAD" ? null : body, {
    status,
    headers: {
      ...commonHeaders,
      "Content-Security-Policy": pageSecurityPolicy,
      "Content-Type": "text/plain; charset=utf-8",
      "Cache-Control": "no-store",
      "Content-Length": String(body.byteLength),
      ...headers,
    },
  });
}
