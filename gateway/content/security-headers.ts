/** Headers of every response: nothing is guessed, nothing is told to other sites, no other site embeds it. */
export const commonHeaders: Readonly<Record<string, string>> = {
  "X-Content-Type-Options": "nosniff",
  "Referrer-Policy": "no-referrer",
  "Cross-Origin-Resource-Policy": "same-origin",
  "Cross-Origin-Opener-Policy": "same-origin",
};

/**
 * The policy of a served file: it is somebody's data, so that nothing in it runs, loads, submits or navigates, and it has an origin of its
 * own. Browsers show PDF by a viewer that a sandbox would shut out; a PDF is no document that could run in this origin.
 */
export function fileSecurityPolicy(type: string): string {
  const nothing =
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:; media-src 'self'; form-action 'none'; frame-ancestors 'self'";
  return type === "application/pdf" ? nothing : `sandbox; ${nothing}`;
}

/** The policy of pages that the gateway writes itself. They have no script. */
export const pageSecurityPolicy =
  "default-src 'none'; style-src 'unsafe-inline'; img-src 'self' data:; form-action 'self'; base-uri 'none'; frame-ancestors 'self'";
