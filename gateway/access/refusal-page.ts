import { textPage } from "#gateway/http/error-page.ts";
import type { Authorized } from "./access-rules.ts";

/** Why somebody was not let in. */
export type Refusal = Extract<Authorized, { refusal: unknown }>["refusal"];

/** How a refusal is answered: its status, and when to ask again. */
export const refusals: Readonly<
  Record<
    Refusal,
    { readonly status: 401 | 429 | 503; readonly text: string; readonly headers: Readonly<Record<string, string>> }
  >
> = {
  unknown: { status: 401, text: "", headers: { "WWW-Authenticate": 'Basic realm="Holdfast", charset="UTF-8"' } },
  guessing: { status: 429, text: "too many wrong passwords", headers: { "Retry-After": "3" } },
  busy: { status: 503, text: "too many passwords are being checked", headers: { "Retry-After": "2" } },
};

/** The answer to somebody who was not let in. */
export function refusalPage(refusal: Refusal, method: string): Response {
  const { status, text, headers } = refusals[refusal];
  return textPage(status, text, method, headers);
}
