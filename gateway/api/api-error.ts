import { errorKinds, HoldfastError, isHoldfastError } from "#shared/errors.ts";
import { commonHeaders } from "#gateway/content/security-headers.ts";
import { showText } from "./api-snapshot.ts";
import { object, text } from "./schema.ts";

/** The body of an answer that is an error. */
export const apiErrorSchema = object({
  error: object({ kind: text("A word that tells what to do about it."), message: text("One sentence for people.") }),
});

/** An error as the API tells of it. Of faults of the gateway or the store it says what kind they are and no more. */
export function apiErrorBody(error: unknown): { readonly error: { readonly kind: string; readonly message: string } } {
  const known = isHoldfastError(error) ? error : new HoldfastError("internal", "It failed", { cause: error });
  const { kind, message } = known;
  const tells = kind === "absent" || kind === "invalid" || kind === "denied";
  return { error: { kind, message: tells ? showText(message) : sentence(errorKinds[kind].meaning) } };
}

/** An answer that is an error. */
export function apiErrorResponse(
  error: unknown,
  status?: number,
  headers: Readonly<Record<string, string>> = {},
): Response {
  const kind = isHoldfastError(error) ? error.kind : "internal";
  return jsonResponse(apiErrorBody(error), status ?? errorKinds[kind].httpStatus, {
    ...(kind === "unavailable" ? { "Retry-After": "5" } : {}),
    ...headers,
  });
}

/** An answer of JSON. It is not kept anywhere. */
export function jsonResponse(body: unknown, status = 200, headers: Readonly<Record<string, string>> = {}): Response {
  return new Response(JSON.stringify(body), { status, headers: { ...apiHeaders("application/json"), ...headers } });
}

/** Headers of every answer of the API: data, whatever a browser is told to make of it. */
export function apiHeaders(type: string): Record<string, string> {
  return {
    ...commonHeaders,
    "Content-Type": type,
    "Content-Security-Policy": "sandbox; default-src 'none'; frame-ancestors 'none'",
    "Cache-Control": "private, no-store",
  };
}

function sentence(words: string): string {
  return words.slice(0, 1).toUpperCase() + words.slice(1);
}
